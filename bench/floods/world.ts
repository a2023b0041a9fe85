import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { signToken } from '../../src/server/auth/sign-token.js';
import { Part } from '../parts/dialogue.js';
import { openWriter, populate, writeMessages } from '../targets/population.js';
import { startProgram, type Target } from '../targets/target.js';

const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
const VICTIMS_PROCESS = new URL('./victims-process.js', import.meta.url);
export const SECRET = 'a secret for floods that is long enough for HS256';
const VICTIMS = 20;
const FLOODERS = 10;
const CROWD_MESSAGES = 100;
/** What every process here may need at once, and some more. */
const DESCRIPTORS_MIN = 8192;

/** Who is there; users and groups by id. Travels to the processes. */
export interface World {
  readonly port: number;
  /** In pairs: 1 and 2 share the first of `pairs`, and so on. */
  readonly victims: readonly number[];
  readonly pairs: readonly number[];
  readonly flooders: readonly number[];
  /** The group in which victims have to hear the flooders. */
  readonly hall: number;
  /** The members of one large group that has some messages. */
  readonly crowd: readonly number[];
  readonly crowdGroup: number;
}

export interface StageOptions {
  readonly workers: number;
  readonly crowd: number;
  /** Arguments of Node itself, such as `--cpu-prof`. */
  readonly node?: readonly string[];
}

export function tokenOf(userId: number): Promise<string> {
  return signToken(SECRET, { sub: String(userId) }, {});
}

/** A server as a user starts it, and the victims, who talk from the start to the end. */
export class Stage {
  readonly world: World;
  readonly server: Target;
  readonly victims: Part;
  readonly #dataDir: string;

  private constructor(world: World, server: Target, victims: Part, dataDir: string) {
    this.world = world;
    this.server = server;
    this.victims = victims;
    this.#dataDir = dataDir;
  }

  static async start({ workers, crowd, node = [] }: StageOptions): Promise<Stage> {
    assertDescriptors();
    const dataDir = mkdtempSync(join(tmpdir(), 'parley-floods-'));
    const people = await populateWorld(dataDir, crowd);
    const server = await startProgram('parley', [...node, MAIN], {
      HOST: '127.0.0.1',
      PORT: '0',
      WORKERS: String(workers),
      DATA_DIR: dataDir,
      JWT_SECRET: SECRET,
      LOG_LEVEL: 'warn',
    });
    const world = { ...people, port: server.port };
    const victims = new Part(VICTIMS_PROCESS);
    await victims.ask('connect', world);
    return new Stage(world, server, victims, dataDir);
  }

  async stop(): Promise<void> {
    await this.victims.stop();
    await this.server.stop();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}

async function populateWorld(dataDir: string, crowdSize: number): Promise<Omit<World, 'port'>> {
  const ids = Array.from({ length: VICTIMS + FLOODERS + crowdSize }, (_, index) => index + 1);
  const victims = ids.slice(0, VICTIMS);
  const flooders = ids.slice(VICTIMS, VICTIMS + FLOODERS);
  const crowd = ids.slice(VICTIMS + FLOODERS);
  const pairs = victims.filter((id) => id % 2 === 1).map((id) => [id, id + 1]);
  const { groups } = await populate(dataDir, ids.length, [...pairs, [...victims, ...flooders], crowd]);
  const made = groups.map(({ id }) => id);
  const crowdGroup = groups.slice(-1);
  const writer = openWriter(dataDir);
  await writeMessages(writer, { groups: crowdGroup }, CROWD_MESSAGES).finally(() => writer.close());
  return {
    victims,
    flooders,
    crowd,
    pairs: made.slice(0, -2),
    hall: made.at(-2) ?? 0,
    crowdGroup: made.at(-1) ?? 0,
  };
}

/** Rather than to fail in the middle of it. */
export function assertDescriptors(): void {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const soft = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  if (soft < DESCRIPTORS_MIN)
    throw new Error(
      `this takes ${DESCRIPTORS_MIN} file descriptors, and the limit is ${soft}: ulimit -n 20000`,
    );
}
