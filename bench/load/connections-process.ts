import type { FromConnections, Opened, ToConnections } from './connections.js';
import { DIALECTS } from './dialects.js';
import { LoadSocket, type SocketEvents } from './socket.js';

const MESSAGE = Buffer.from('"chat_id":');

/** Opens sockets, counts what each is sent until it is live, and holds them. */
const sockets: LoadSocket[] = [];
let unexpected: string[] = [];
let messages = 0;
let bytes = 0;

const events: SocketEvents = {
  opening: (_socket, chunk, start, end) => {
    bytes += end - start;
    const payload = chunk.subarray(start, end);
    for (let at = payload.indexOf(MESSAGE); at !== -1; at = payload.indexOf(MESSAGE, at + MESSAGE.length)) {
      messages += 1;
    }
  },
  message: () => unexpected.push('a message on an idle socket'),
  readEnded: () => undefined,
  unexpected: (what) => unexpected.push(what),
};

process.on('message', (message: ToConnections) => {
  const done = message.type === 'open' ? open(message) : close();
  done.then(answer).catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));

async function open({ port, dialect, sockets: plans, connectingMax }: ToConnections & { type: 'open' }) {
  messages = 0;
  bytes = 0;
  const queue = plans.values();
  const before = process.cpuUsage();
  const start = performance.now();
  const openNext = async () => {
    for (const plan of queue) {
      sockets.push(await LoadSocket.open(plan, sockets.length, port, DIALECTS[dialect], events));
    }
  };
  await Promise.all(Array.from({ length: connectingMax }, openNext));
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { seconds, messages, bytes, processorSeconds: (user + system) / 1e6 };
}

async function close(): Promise<undefined> {
  for (const socket of sockets) socket.close();
  sockets.length = 0;
}

function answer(opened: Opened | undefined): void {
  process.send?.({ opened, unexpected } satisfies FromConnections);
  unexpected = [];
}
