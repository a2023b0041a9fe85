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

function socketOf(): ClientSocket {
  const socket = new ClientSocket(context, USER, CHAT, { start: 'after' }, new Random('socket'));
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
