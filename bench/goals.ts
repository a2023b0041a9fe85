import type { Goal, MetricRef } from './goal.js';

const PARLEY = 'parley';
const ENGINE = 'engine';
/** Publishes at the end of each tick: the bare engine at its best where much is under way. */
const ENGINE_PER_TICK = 'engine (per tick)';
const SOCKET_IO_UWS = 'socket.io (uws)';
const SOCKET_IO_WS = 'socket.io (ws)';

/** Slower disks are the limit themselves: a message waits for up to two syncs. */
const FSYNC_P99_MS_MAX = 5;

const fanout = (target: string): MetricRef => ({
  suite: 'fanout',
  name: 'closed, 64 senders',
  target,
  metric: 'deliveries_per_s',
  with: { workers: 1 },
});
const chats = (target: string, metric = 'messages_per_s', name = 'closed'): MetricRef => ({
  suite: 'chats',
  name,
  target,
  metric,
  with: { workers: 1 },
});
const own = (suite: string, name: string, metric: string): MetricRef => ({
  suite,
  name,
  target: PARLEY,
  metric,
});

/** The numbers to reach, each against a limit or a peer of the same run. */
export const GOALS: readonly Goal[] = [
  {
    what: 'fanout: deliveries/s against the bare engine, publishing each message as it comes',
    unit: '×',
    bound: 'at least',
    value: 0.95,
    quantities: [{ of: fanout(PARLEY), to: fanout(ENGINE) }],
  },
  {
    what: 'fanout: the same against the bare engine at its best, publishing once a tick',
    unit: '×',
    bound: 'at least',
    value: 0.95,
    quantities: [{ of: fanout(PARLEY), to: fanout(ENGINE_PER_TICK) }],
  },
  {
    what: 'fanout: deliveries/s against Socket.IO on uWebSockets.js',
    unit: '×',
    bound: 'at least',
    value: 2.3,
    quantities: [{ of: fanout(PARLEY), to: fanout(SOCKET_IO_UWS) }],
  },
  {
    what: 'fanout: deliveries/s against Socket.IO on ws',
    unit: '×',
    bound: 'at least',
    value: 18,
    quantities: [{ of: fanout(PARLEY), to: fanout(SOCKET_IO_WS) }],
  },
  {
    what: 'chats: durable messages/s against the bare engine, which stores nothing',
    unit: '×',
    bound: 'at least',
    value: 0.65,
    quantities: [{ of: chats(PARLEY), to: chats(ENGINE) }],
  },
  {
    what: 'chats: durable messages/s against Socket.IO on uWebSockets.js, as durable',
    unit: '×',
    bound: 'at least',
    value: 10,
    quantities: [{ of: chats(PARLEY), to: chats(SOCKET_IO_UWS) }],
  },
  {
    what: 'chats: processor time for a message, all processes, against the bare engine',
    unit: '×',
    bound: 'at most',
    value: 1.8,
    quantities: [{ of: chats(PARLEY, 'server_us_per_message'), to: chats(ENGINE, 'server_us_per_message') }],
  },
  {
    what: 'chats: p99 from the send to the own echo at 8,000 messages/s',
    unit: 'ms',
    bound: 'at most',
    value: 12,
    quantities: [{ of: chats(PARLEY, 'echo_p99_ms', 'open 8000/s') }],
    counts: {
      when: `on a disk whose fsync p99 is under ${FSYNC_P99_MS_MAX} ms`,
      on: ({ fsyncMs }) => fsyncMs.p99 < FSYNC_P99_MS_MAX,
    },
  },
  {
    what: 'the same against Socket.IO on uWebSockets.js at half its own maximum',
    unit: '×',
    bound: 'at most',
    value: 0.1,
    quantities: [
      {
        of: chats(PARLEY, 'echo_p99_ms', 'open 8000/s'),
        to: chats(SOCKET_IO_UWS, 'echo_p99_ms', 'open at half its maximum'),
      },
    ],
  },
  {
    what: 'GET /user: processor time for a request against the bare engine’s hello-world',
    unit: '×',
    bound: 'at most',
    value: 1.5,
    quantities: [
      {
        of: { ...own('http', 'GET /user', 'server_us_per_request'), with: { workers: 1 } },
        to: { suite: 'http', name: 'GET /hello', target: ENGINE, metric: 'server_us_per_request' },
      },
    ],
  },
  {
    what: 'connections/s, one worker: tokens seen before, a hot chat of 100 messages',
    unit: '/s',
    bound: 'at least',
    value: 4000,
    quantities: [{ of: own('connect', 'connect, token seen, hot chat', 'connects_per_s') }],
  },
  {
    what: 'connections/s, one worker: everything cold',
    unit: '/s',
    bound: 'at least',
    value: 1500,
    quantities: [{ of: own('connect', 'connect, all cold', 'connects_per_s') }],
  },
  {
    what: 'memory of an open chat socket, over the idle worker',
    unit: 'bytes',
    bound: 'at most',
    value: 2560,
    quantities: [{ of: own('idle', 'chat sockets, 2 a chat', 'bytes_per_socket') }],
  },
  {
    what: 'history page of 100 in 10 million messages, newest or at any offset, warm: p99',
    unit: 'ms',
    bound: 'at most',
    value: 1,
    quantities: [
      { of: { ...own('store', 'history newest', 'p99_ms'), with: { messages: 10_000_000 } } },
      { of: { ...own('store', 'history offset', 'p99_ms'), with: { messages: 10_000_000 } } },
    ],
  },
  {
    what: 'resume of 10,000 missed messages: messages/s of one worker',
    unit: '/s',
    bound: 'at least',
    value: 200_000,
    quantities: [
      { of: own('connect', 'resume, one at a time', 'messages_per_s') },
      { of: own('connect', 'resume, at once', 'messages_per_s') },
    ],
  },
  {
    what: 'ledger alone, batches of 64, in 1,000 and 100,000 chats: messages/s',
    unit: '/s',
    bound: 'at least',
    value: 40_000,
    quantities: [1000, 100_000].map((count) => ({
      of: { ...own('ledger', 'batches of 64', 'messages_per_s'), with: { chats: count } },
    })),
  },
];
