import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { judge } from '../../src/prove/checker/checker.js';
import { Log } from '../../src/prove/checker/log.js';
import { Account } from '../../src/prove/clients/api-user.js';
import { ClientSocket } from '../../src/prove/clients/chat-socket.js';
import { Voice } from '../../src/prove/clients/sender.js';
import { Workload } from '../../src/prove/clients/workload.js';
import { History, readHistory } from '../../src/prove/history.js';
import { texts } from '../../src/prove/message.js';
import { Random } from '../../src/prove/random.js';
import { Tally, type World } from '../../src/prove/run-context.js';
import { until } from '../support/wait.js';

const CHAT = { id: 5, path: '/chat/5' };
const USER = { id: 1, token: 'token' };

let folder: string;
let server: Server;
let world: World;
/** Milliseconds that clocks are ahead of the real one. */
let aheadMs: number;
const sockets: ClientSocket[] = [];

/** A server that refuses everything for the moment, until a test gives it something to say. */
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
  world = { url, history, WebSocket, tally, answerMs: 50, textOf: texts(undefined), now };
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.stop();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

function socketOf(): ClientSocket {
  const socket = new ClientSocket(world, USER, CHAT, { start: 'after' }, new Random('socket'));
  sockets.push(socket);
  return socket;
}

/** What the checker says of what was seen. */
function counts(log = new Log(true)) {
  world.history.close();
  const { counts } = judge(readHistory(world.history.file), log).verdict;
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

it('a client that cannot connect by the end counts', async () => {
  const population = { sockets: [socketOf()], voices: [], guests: [], readers: new Map() };
  const workload = new Workload(world, population, 0, new Random('workload'));
  await workload.start();
  await workload.end();
  workload.stop();
  expect(counts()).toEqual({ unexpected: 1 });
});

it('a request that is refused for the moment for ever counts', async () => {
  await expect(new Account(world, USER.token).removeMember(5, 1)).rejects.toThrow('no answer within');
  expect(counts()).toEqual({ unexpected: 1 });
});

it('a refusal for the moment is none of the counts, also of a message without a client_id', async () => {
  let connections = 0;
  new WebSocketServer({ server }).on('connection', (ws) => {
    connections += 1;
    ws.send('{"type":"history","messages":[]}');
    ws.on('message', () => ws.send('{"type":"error","code":"overloaded"}'));
  });
  const voice = new Voice(world, socketOf(), 0, { repeats: false, isEager: false }, new Random('voice'));
  voice.socket.connect();
  await until(() => voice.canSpeak);
  voice.speak();
  await until(() => connections === 2 && voice.canSpeak);
  expect(voice.unacknowledged).toBe(0);
  expect([...world.tally.refusals]).toEqual([['frame overloaded', 1]]);
  expect(counts()).toEqual({});
});
