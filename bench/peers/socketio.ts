import { App, us_socket_local_port } from 'uWebSockets.js';
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { createShardedAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { Server } from 'socket.io';
import { freePort } from '../../src/process/port.js';
import { openMessageTable } from './message-table.js';

/**
 * `socketio.js ws|uws`: Socket.IO, which commits each message before it emits it to the room. It reads DATABASE,
 * WORKERS and, for more workers than one, REDIS_URL from the environment. It is set up as its documentation advises
 * for production: WebSockets alone, no compression, and for a cluster the sharded Redis adapter.
 */
const HOST = '127.0.0.1';
const SETTINGS = {
  transports: ['websocket' as const],
  serveClient: false,
  perMessageDeflate: false,
  /** With the engine's default of 64 KiB, a reader that is slow for a moment silently misses messages. */
  maxBackpressure: 64 * 1024 * 1024,
};

const { DATABASE = '', WORKERS = '1', REDIS_URL, PORT = '0' } = process.env;
const [, , engine = 'ws'] = process.argv;

interface Incoming {
  readonly text: string;
  readonly client_id: string;
}

if (WORKERS === '1') {
  serve((port) => console.log(`listening on http://${HOST}:${port}`));
} else if (cluster.isPrimary) {
  await runCluster();
} else {
  serve(() => process.send?.('ready'));
}

/** All workers listen on one port: the engine's share it by themselves, Node's through this process. */
async function runCluster(): Promise<void> {
  const env = { PORT: String(await freePort()) };
  let ready = 0;
  cluster.on('message', () => {
    ready += 1;
    if (ready === Number(WORKERS)) console.log(`listening on http://${HOST}:${env.PORT}`);
  });
  cluster.on('exit', () => process.exit(1));
  for (let count = 0; count < Number(WORKERS); count++) cluster.fork(env);
  process.once('SIGTERM', () => process.exit(0));
}

function serve(listening: (port: number) => void): void {
  const io = new Server(SETTINGS);
  if (REDIS_URL !== undefined) {
    const publisher = new Redis(REDIS_URL);
    io.adapter(createShardedAdapter(publisher, publisher.duplicate()));
  }
  answer(io);
  if (engine === 'uws') {
    const app = App();
    io.attachApp(app);
    app.listen(HOST, Number(PORT), (socket) => {
      if (socket === false) throw new Error(`cannot listen on ${PORT}`);
      listening(us_socket_local_port(socket));
    });
    return;
  }
  const http = createServer();
  io.attach(http);
  http.listen(Number(PORT), HOST, () => {
    const address = http.address();
    if (address !== null && typeof address === 'object') listening(address.port);
  });
}

function answer(io: Server): void {
  const messages = openMessageTable(DATABASE);
  io.on('connection', async (socket) => {
    const { room, user } = socket.handshake.query;
    const chat = Number(room);
    const author = { id: Number(user), name: `User ${user}` };
    const topic = `chat:${chat}`;
    await socket.join(topic);
    socket.on('message', ({ text, client_id }: Incoming) => {
      const time = new Date().toISOString();
      const id = messages.insert({ room: chat, author: author.id, text, clientId: client_id, time });
      io.to(topic).emit('message', { id, chat_id: chat, type: 'message', text, author, time, client_id });
    });
    socket.emit('ready');
  });
}
