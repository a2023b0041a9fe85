import { join } from 'node:path';
import { RedisServer } from '../../src/prove/faults/redis-server.js';
import type { DialectName } from '../load/dialects.js';
import type { SocketPlan } from '../load/plan.js';
import { type ParleyOptions, startParley, tokenOf, withDataDir } from './parley.js';
import { startEngine, startSocketIo, startWs } from './peers.js';
import { type Population, populate } from './population.js';
import type { Target } from './target.js';

/** The members of each group, who are users 1 … n. */
export type Groups = readonly (readonly number[])[];

/** A server that carries the same groups as the others that it is measured beside. */
export interface Contender {
  /** The name in a Measurement. */
  readonly name: string;
  readonly workers: number;
  readonly dialect: DialectName;
  /** As in a Plan. */
  readonly anyOrder?: boolean;
  /** Runs `run` against a new server with these groups; `sockets` has one for each member, group by group. */
  use<T>(groups: Groups, run: (running: Running) => Promise<T>): Promise<T>;
}

export interface Running {
  readonly target: Target;
  readonly sockets: readonly (readonly Omit<SocketPlan, 'sends'>[])[];
}

type Fill = (dataDir: string, groups: Groups) => Promise<Population>;

/** Parley with this many messages in each group. */
export function parley(workers: number, messagesPerGroup = 0): Contender {
  return parleyOver(workers, (dataDir, groups) =>
    populate(dataDir, Math.max(...groups.flat()), groups, messagesPerGroup),
  );
}

/** Parley on a data folder that `fill` writes for each trial. */
export function parleyOver(workers: number, fill: Fill): Contender {
  return {
    name: 'parley',
    workers,
    dialect: 'parley',
    use: (groups, run) => useParley(fill, { workers }, groups, run),
  };
}

/** Parley whose members each have one socket for all of their chats. */
export function parleyMain(workers: number): Contender {
  const { use, ...contender } = parley(workers);
  const path = '/api/v1/main?features=1';
  return {
    ...contender,
    name: 'parley (main)',
    dialect: 'parley main changes',
    use: (groups, run) =>
      use(groups, ({ target, sockets }) =>
        run({ target, sockets: sockets.map((members) => members.map((socket) => ({ ...socket, path }))) }),
      ),
  };
}

/** Parley whose workers Redis links as well; the Redis counts as part of the server. */
export function parleyWithRedis(workers: number): Contender {
  const fill: Fill = (dataDir, groups) => populate(dataDir, Math.max(...groups.flat()), groups);
  return {
    name: 'parley (redis)',
    workers,
    dialect: 'parley',
    use: async (groups, run) => {
      const redis = await RedisServer.start();
      try {
        return await useParley(fill, { workers, redisUrl: redis.url }, groups, ({ target, sockets }) =>
          run({ target: withRedis(target, redis), sockets }),
        );
      } finally {
        await redis.end('SIGTERM');
      }
    },
  };
}

/** The bare engine, which publishes each message at once. */
export const engine: Contender = bare('engine', startEngine, (room) => `/room/${room}`);

/** The bare engine, which publishes at the end of each tick. */
export const enginePerTick: Contender = bare('engine (per tick)', startEngine, (room) => `/tick/${room}`);

export const ws: Contender = bare('ws', startWs, (room) => `/${room}`);

/** Socket.IO. More workers than one are linked by a Redis, which counts as part of the server. */
export function socketIo(engine: 'ws' | 'uws', workers: number): Contender {
  const start = (database: string, redisUrl?: string) =>
    startSocketIo({ engine, database, workers, ...(redisUrl !== undefined && { redisUrl }) });
  return {
    name: `socket.io (${engine})`,
    workers,
    dialect: 'socket.io',
    anyOrder: workers > 1,
    use: (groups, run) =>
      withDataDir(async (folder) => {
        const database = join(folder, 'messages.db');
        const sockets = pathsOf(
          groups,
          (room, user) => `/socket.io/?EIO=4&transport=websocket&room=${room}&user=${user}`,
        );
        if (workers === 1) return stopped(await start(database), (target) => run({ target, sockets }));
        const redis = await RedisServer.start();
        try {
          return await stopped(await start(database, redis.url), (target) =>
            run({ target: withRedis(target, redis), sockets }),
          );
        } finally {
          await redis.end('SIGTERM');
        }
      }),
  };
}

/** The target with its Redis counted among its processes. */
function withRedis(target: Target, redis: RedisServer): Target {
  return { ...target, pids: () => [...target.pids(), redis.pid] };
}

/** A server of one process, which stores nothing and has no users. */
function bare(name: string, start: () => Promise<Target>, path: (room: number) => string): Contender {
  return {
    name,
    workers: 1,
    dialect: 'plain',
    use: async (groups, run) =>
      stopped(await start(), (target) => run({ target, sockets: pathsOf(groups, path) })),
  };
}

function pathsOf(groups: Groups, path: (room: number, user: number) => string): Running['sockets'] {
  return groups.map((members, index) =>
    members.map((user) => ({ path: path(index + 1, user), chat: index + 1 })),
  );
}

function useParley<T>(
  fill: Fill,
  options: Omit<ParleyOptions, 'dataDir'>,
  groups: Groups,
  run: (running: Running) => Promise<T>,
): Promise<T> {
  return withDataDir(async (dataDir) => {
    const population = await fill(dataDir, groups);
    const sockets = await Promise.all(
      population.groups.map(({ id, members }) =>
        Promise.all(
          members.map(async (user) => {
            return { path: `/api/v1/group/${id}`, token: await tokenOf(user), chat: id };
          }),
        ),
      ),
    );
    return await stopped(await startParley({ ...options, dataDir }), (target) => run({ target, sockets }));
  });
}

async function stopped<T>(target: Target, run: (target: Target) => Promise<T>): Promise<T> {
  try {
    return await run(target);
  } finally {
    await target.stop();
  }
}
