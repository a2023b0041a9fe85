import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { check } from '../../src/prove/checker/checker.js';
import { StoredLog } from '../../src/prove/checker/stored-log.js';
import { ApiUser } from '../../src/prove/clients/api-user.js';
import { ClientSocket } from '../../src/prove/clients/client-socket.js';
import { Sender } from '../../src/prove/clients/sender.js';
import { Workload } from '../../src/prove/clients/workload.js';
import { History, readHistory } from '../../src/prove/history.js';
import { textMaker } from '../../src/prove/message.js';
import { Random } from '../../src/prove/random.js';
import type { RunContext } from '../../src/prove/run-context.js';
import { Tally } from '../../src/prove/tally.js';
import { until } from '../support/wait.js';

const CHAT = { id: 5, path: '/chat/5' };
const USER = { id: 1, token: 'token' };

let folder: string;
let server: Server;
let context: RunContext;
/** Milliseconds that clocks are ahead of the real one. */
let aheadMs: number;
const sockets: ClientSocket[] = [];

/** A server that refuses every request with 503, until a test makes it a WebSocket server. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-test-clients-'));
  aheadMs = 0;
  server = createServer((_request, response) => {
    aheadMs += 30_000;
    response.writeHead(503).end('{"code":"overloaded"}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const now = () => performance.now() + aheadMs;
  const history = new History(join(folder, 'history.txt'), now);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const tally = new Tally(history, now);
  context = { url, history, WebSocket, tally, answerMs: 50, textOf: textMaker(undefined), now };
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.stop();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

function socketOf(view: 'plain' | 'full' = 'plain'): ClientSocket {
  const socket = new ClientSocket(context, USER, CHAT, { start: 'after', view }, new Random('socket'));
  sockets.push(socket);
  return socket;
}

/** The counts of the checker that are not 0. */
function counts(log = new StoredLog({ hasChanges: true })) {
  context.history.close();
  const { counts } = check(readHistory(context.history.file), log).verdict;
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

it('a client that cannot connect by the end counts', async () => {
  const population = { sockets: [socketOf()], senders: [], guests: [], readers: new Map() };
  const workload = new Workload(context, population, 0, new Random('workload'));
  await workload.start();
  await workload.end();
  workload.stop();
  expect(counts()).toEqual({ unexpected: 1 });
});

it('a request that is refused with 503 for too long counts', async () => {
  await expect(new ApiUser(context, USER.token).removeMember(5, 1)).rejects.toThrow('no answer within');
  expect(counts()).toEqual({ unexpected: 1 });
});

it('a refusal that says to try again does not count, also of a message without a client_id', async () => {
  let connections = 0;
  new WebSocketServer({ server }).on('connection', (ws) => {
    connections += 1;
    ws.send('{"type":"history","messages":[]}');
    ws.on('message', () => ws.send('{"type":"error","code":"overloaded"}'));
  });
  const sender = new Sender(context, socketOf(), 0, { retries: false, isEager: false }, new Random('sender'));
  sender.socket.connect();
  await until(() => sender.canSend);
  sender.sendNew();
  await until(() => connections === 2 && sender.canSend);
  expect(sender.unacknowledged).toBe(0);
  expect([...context.tally.refusals]).toEqual([['frame overloaded', 1]]);
  expect(counts()).toEqual({});
});

it('a client that lost its connection resumes after the highest id that it was shown, and proves it', async () => {
  const queries: (string | undefined)[] = [];
  new WebSocketServer({ server }).on('connection', (ws, request) => {
    queries.push(request.url?.split('?')[1]);
    const message = {
      id: 7,
      type: 'message',
      chat_id: 5,
      author: { id: 2 },
      text: 's0-1 x',
      time: '1970-01-01T00:00:05.000Z',
    };
    ws.send(JSON.stringify({ type: 'history', messages: queries.length === 1 ? [message] : [] }));
  });
  const socket = socketOf();
  socket.connect();
  await until(() => socket.isReading);
  const { session } = socket;
  socket.cut();
  expect(socket.isReady).toBe(false);
  await until(() => socket.isReady && queries.length === 2);
  expect(socket.session).toBeGreaterThan(session);
  expect(queries).toEqual(['after=0', 'after=7@5000']);
  expect(context.tally).toMatchObject({ sessions: 2, cuts: 1, delivered: 1 });
});

it.each([
  { membership: 'in', seen: ['unexpected'] },
  { membership: 'changing', seen: [] },
] as const)('a close code for strangers is counted as $seen when membership is $membership', async (given) => {
  new WebSocketServer({ server }).on('connection', (ws) => ws.close(4403));
  const socket = socketOf();
  if (given.membership !== 'in') socket.membership = given.membership;
  socket.connect();
  await until(() => context.tally.sessions === 2);
  socket.stop();
  expect(Object.keys(counts())).toEqual(given.seen);
});

const NO_MESSAGES = '{"type":"history","messages":[]}';
const CHANGES: readonly unknown[] = ['edit', 'delete', 'react'];

/** A frame that the sender sent, and the connection that it came on. */
interface Sent {
  readonly connection: number;
  readonly type: string;
  readonly message_id: number;
  readonly client_id: string;
  readonly text: string;
  readonly emoji: string;
  readonly on: boolean;
}

/**
 * A server that echoes messages, does not answer changes of one kind, and refuses the others. `history` is what the
 * connection with this number begins with.
 */
function echoing(unanswered: string, history: (connection: number, sent: readonly Sent[]) => string): Sent[] {
  const sent: Sent[] = [];
  let connections = 0;
  let id = 0;
  new WebSocketServer({ server }).on('connection', (ws) => {
    const connection = ++connections;
    ws.send(history(connection, sent));
    ws.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as Sent;
      const { type, client_id } = frame;
      sent.push({ ...frame, connection });
      if (type === unanswered) return;
      id += 1;
      const echo = { ...frame, id, chat_id: 5, author: USER, time: '1970-01-01T00:00:05.000Z' };
      const refusal = { type: 'error', code: 'message_not_found', client_id };
      ws.send(JSON.stringify(type === 'message' ? echo : refusal));
    });
  });
  return sent;
}

/** Sends until there is a change of this kind among what was sent, and returns it. */
async function changeOf(sender: Sender, sent: readonly Sent[], type: string): Promise<Sent> {
  let found: Sent | undefined;
  await until(() => {
    aheadMs += 200; // So that the sender may send the next one.
    if (sender.canSend && found === undefined) sender.sendNew();
    found = sent.find((frame) => frame.type === type);
    return found !== undefined;
  });
  return found as Sent;
}

const changing = (seed: string, isEager = false) =>
  new Sender(context, socketOf('full'), 0, { retries: true, isEager }, new Random(seed));

it('a change that was not answered is sent again under the same name on the next connection', async () => {
  const sent = echoing('edit', () => NO_MESSAGES);
  const sender = changing('edit');
  sender.socket.connect();
  await until(() => sender.canSend);
  const { client_id: clientId } = await changeOf(sender, sent, 'edit');
  sender.socket.cut();
  const isRepeated = (frame: Sent) => frame.client_id === clientId && frame.connection === 2;
  await until(() => sent.some(isRepeated));
  expect(sent.filter((frame) => frame.client_id === clientId)).toHaveLength(2);
  expect(context.tally.acknowledgedChanges).toBe(0);
});

it.each([
  {
    what: 'edit',
    entry: ({ message_id, text }: Sent) => ({
      type: 'edited',
      id: 90,
      message_id,
      text,
      version: 2,
      time: '',
    }),
  },
  {
    what: 'delete',
    entry: ({ message_id }: Sent) => ({ type: 'deleted', id: 90, message_id, time: '' }),
  },
  {
    what: 'react',
    entry: ({ message_id, emoji, on }: Sent) => {
      return { type: 'reactions', id: 90, message_id, reactions: [{ emoji, count: 1, me: on }], time: '' };
    },
  },
])('a history acknowledges the $what that it shows the outcome of, which is not sent again', async ({
  what,
  entry,
}) => {
  const sent = echoing(what, (connection, before) => {
    if (connection === 1) return NO_MESSAGES;
    const change = before.find(({ type }) => type === what);
    return JSON.stringify({ type: 'history', messages: change === undefined ? [] : [entry(change)] });
  });
  const sender = changing(what);
  sender.socket.connect();
  await until(() => sender.canSend);
  const { client_id: clientId } = await changeOf(sender, sent, what);
  sender.socket.cut();
  await until(() => sender.socket.isReady);
  expect(context.tally.acknowledgedChanges).toBe(1);
  expect(sent.filter((frame) => frame.client_id === clientId)).toHaveLength(1);
});

it('a sender that gives up, or whose socket does not ask for changes, makes none', async () => {
  const sent = echoing('', () => NO_MESSAGES);
  const senders = [
    new Sender(context, socketOf('full'), 0, { retries: false, isEager: false }, new Random('gives up')),
    new Sender(context, socketOf('plain'), 1, { retries: true, isEager: false }, new Random('plain')),
  ];
  for (const sender of senders) {
    sender.socket.connect();
    await until(() => sender.canSend);
    for (let count = 0; count < 60; count++) {
      aheadMs += 200;
      await until(() => sender.canSend);
      sender.sendNew();
    }
  }
  await until(() => sent.length === 120);
  expect(sent.filter(({ type }) => CHANGES.includes(type))).toEqual([]);
});

it('what a socket is shown of changes that did not ask for them is counted', async () => {
  const time = '1970-01-01T00:00:05.000Z';
  const head = { id: 7, type: 'message', chat_id: 5, author: { id: 2 }, time };
  const entries = [
    { ...head, deleted: true },
    { ...head, id: 8, text: 's9-9 x', reactions: [] },
    { id: 9, type: 'deleted', message_id: 8, time },
  ];
  new WebSocketServer({ server }).on('connection', (ws) => {
    ws.send(JSON.stringify({ type: 'history', messages: entries }));
  });
  const socket = socketOf();
  socket.connect();
  await until(() => socket.isReady);
  expect(counts()).toMatchObject({ uninvited: 3 });
});
