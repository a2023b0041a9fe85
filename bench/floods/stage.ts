import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertDescriptors } from '../measure/descriptors.js';
import { Part } from '../parts/dialogue.js';
import { startServer } from '../targets/parley.js';
import { openWriter, populate, writeMessages } from '../targets/population.js';
import type { Target } from '../targets/target.js';

const VICTIMS_PROCESS = new URL('./victims-process.js', import.meta.url);
const VICTIMS = 20;
const FLOODERS = 10;
const CROWD_MESSAGES = 100;
const ANSWER_MS_MAX = 10_000;

/** The users and groups of the floods by their ids. It is sent to the processes that play them. */
export interface FloodSetup {
  readonly port: number;
  /** A request of a victim that is not answered within this time is an error. */
  readonly answerMsMax: number;
  /** Each two of them share a group of `pairs`: 1 and 2 share the first, and so on. */
  readonly victims: readonly number[];
  readonly pairs: readonly number[];
  readonly flooders: readonly number[];
  /** The group in which the victims are shown what the flooders send. */
  readonly sharedGroup: number;
  /** The members of one large group that has some messages. */
  readonly crowd: readonly number[];
  readonly crowdGroup: number;
}

export interface StageOptions {
  readonly workers: number;
  readonly crowd: number;
  /** How long a victim waits before no answer is an error: 10 s. */
  readonly answerMsMax?: number;
  /** Arguments of Node itself, such as `--cpu-prof`. */
  readonly node?: readonly string[];
}

/** A server with its default settings, and the victims, who send messages from the start to the end. */
export class Stage {
  readonly setup: FloodSetup;
  readonly server: Target;
  readonly victims: Part;
  readonly #dataDir: string;

  private constructor(setup: FloodSetup, server: Target, victims: Part, dataDir: string) {
    this.setup = setup;
    this.server = server;
    this.victims = victims;
    this.#dataDir = dataDir;
  }

  static async start({
    workers,
    crowd,
    answerMsMax = ANSWER_MS_MAX,
    node = [],
  }: StageOptions): Promise<Stage> {
    assertDescriptors();
    const dataDir = mkdtempSync(join(tmpdir(), 'parley-floods-'));
    const people = await populateFlood(dataDir, crowd);
    const server = await startServer({ workers, dataDir, node });
    const setup = { ...people, port: server.port, answerMsMax };
    const victims = new Part(VICTIMS_PROCESS);
    await victims.ask('connect', setup);
    return new Stage(setup, server, victims, dataDir);
  }

  async stop(): Promise<void> {
    await this.victims.stop();
    await this.server.stop();
    rmSync(this.#dataDir, { recursive: true, force: true });
  }
}

async function populateFlood(
  dataDir: string,
  crowdSize: number,
): Promise<Omit<FloodSetup, 'port' | 'answerMsMax'>> {
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
    sharedGroup: made.at(-2) ?? 0,
    crowdGroup: made.at(-1) ?? 0,
  };
}
