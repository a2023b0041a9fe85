import { fileURLToPath } from 'node:url';
import { startProgram, type Target } from './target.js';

const program = (name: string) => fileURLToPath(new URL(`../peers/${name}.js`, import.meta.url));

/** The bare engine. `node` holds arguments of Node itself. */
export function startEngine(node: readonly string[] = []): Promise<Target> {
  return startProgram('engine', [...node, program('engine')], {});
}

/** The `ws` library. */
export function startWs(): Promise<Target> {
  return startProgram('ws', [program('ws')], {});
}

export interface SocketIoOptions {
  /** What carries its WebSockets: the `ws` library, or the engine that parley uses. */
  readonly engine: 'ws' | 'uws';
  /** The SQLite file that its messages are stored in; made when it is not there. */
  readonly database: string;
  /** More than one worker needs a Redis. */
  readonly workers: number;
  readonly redisUrl?: string;
}

/** Socket.IO, storing each message durably before it is emitted. */
export function startSocketIo({ engine, database, workers, redisUrl }: SocketIoOptions): Promise<Target> {
  return startProgram(`socket.io (${engine})`, [program('socketio'), engine], {
    DATABASE: database,
    WORKERS: String(workers),
    ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
  });
}
