import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandName, Commands, Outcome } from '../../src/chat/commands.js';
import { LIMITS_OFF } from '../../src/chat/limits.js';
import type { LinkClient } from '../../src/link/client.js';
import type { ToWorker } from '../../src/link/protocol.js';
import type { Random } from '../../src/prove/random.js';
import { connectLink } from '../support/ledger.js';
import { SECRET } from '../support/server.js';
import { until } from '../support/wait.js';
import { Disk } from './disk.js';
import { type Sent, sentLines } from './link.js';
import { type Call, readCalls } from './trace.js';
import { TracedProcess } from './traced.js';

export interface Post {
  readonly chatId: number;
  readonly authorId: number;
  /** It begins with `#`, a number that no other text has, and `#`. */
  readonly text: string;
  readonly clientId?: string;
}

/** The line of the trace at which the answer to a message, or a hint, began to be sent. */
export interface Acknowledged {
  readonly at: number;
  readonly id: number;
  readonly post: Post;
}
export interface Hinted {
  readonly at: number;
  readonly newest: number;
}

export interface Recording {
  readonly calls: readonly Call[];
  /** The first line of each ledger's trace. */
  readonly starts: readonly number[];
  readonly disk: Disk;
  /** The ledgers' data folder. */
  readonly dataDir: string;
  readonly acknowledged: readonly Acknowledged[];
  readonly hinted: readonly Hinted[];
}

export interface WorkloadSize {
  readonly bursts: number;
  /** The bytes of long messages that are sent at once; over 16 MiB the ledger truncates the write-ahead log itself. */
  readonly floodBytes: number;
}

/** The ledger's checkpoints follow a commit within a quarter of a second. */
const CHECKPOINT_MS = 600;
const LONG_TEXT_BYTES = 32 * 1024;
const LONG_TEXTS_PER_BURST = 25;

/**
 * Runs three ledgers under strace, one after the other, on a data folder that the first one makes. The first is killed
 * in the middle of a burst, the second ends in order, and the third is killed and leaves a write-ahead log behind.
 */
export async function record(
  folder: string,
  main: string,
  size: WorkloadSize,
  random: Random,
): Promise<Recording> {
  const root = join(folder, 'disk');
  const dataDir = join(root, 'data');
  mkdirSync(root, { recursive: true });
  const disk = new Disk(root);
  const calls: Call[] = [];
  const starts: number[] = [];
  let line = 1;
  const tracePath = () => join(folder, `${starts.length}.strace`);
  const start = () => {
    starts.push(line);
    return new TracedProcess(tracePath(), main, ['ledger'], {
      ...LIMITS_OFF,
      DATA_DIR: dataDir,
      JWT_SECRET: SECRET,
    });
  };
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    await ledger.end(signal);
    if (/^(?!strace: )./m.test(ledger.said)) throw new Error(ledger.said);
    const read = readCalls(readFileSync(tracePath(), 'latin1'), line);
    line = read.nextLine;
    for (const call of read.calls) {
      calls.push(call);
      disk.record(call);
    }
    disk.settle(line++);
  };

  let ledger = start();
  let link: LinkClient | undefined;
  try {
    await ledger.begun();
    link = await connectLink(dataDir);
    const talk = new Talk(link, dataDir, random);
    await talk.begin();
    for (let burst = 0; burst < size.bursts; burst++) await talk.burst();
    const unanswered = talk.posts(100);
    await Promise.race(unanswered);
    await end('SIGKILL');
    ledger = start();
    await Promise.all(unanswered);
    for (let burst = 0; burst < size.bursts; burst++) await talk.burst();
    await talk.flood(size.floodBytes);
    await end('SIGTERM');
    ledger = start();
    for (let burst = 0; burst < size.bursts / 2; burst++) await talk.burst();
    await talk.answered();
    await end('SIGKILL');
    const sent = starts.flatMap((from, index) =>
      sentLines(calls.filter(({ begun }) => begun >= from && begun < (starts[index + 1] ?? line))),
    );
    return {
      calls,
      starts,
      disk,
      dataDir,
      acknowledged: acknowledged(sent, talk.submitted),
      hinted: hinted(sent),
    };
  } finally {
    link?.close();
    await ledger.end('SIGKILL');
  }
}

/** The commands that a worker sends over the link, in order. */
class Talk {
  /** All commands; those whose message must be found again have the post. */
  readonly submitted: (Post | undefined)[] = [];
  readonly #link: LinkClient;
  readonly #database: string;
  readonly #random: Random;
  #chats: number[] = [];
  #repeatable: Post | undefined;
  #next = 1;
  #answers: Promise<unknown>[] = [];

  constructor(link: LinkClient, dataDir: string, random: Random) {
    this.#link = link;
    this.#database = join(dataDir, 'parley.db');
    this.#random = random;
  }

  async begin(): Promise<void> {
    for (const id of [1, 2, 3]) {
      const profile = { username: `user ${id}`, name: 'A user', description: '' };
      await this.#submit('create_user', { caller: { id }, ...profile });
    }
    const chat = await this.#submit('open_chat', { actor: 1, other: 2 });
    const group = await this.#submit('create_group', {
      actor: 1,
      name: 'A group',
      description: '',
      users: [2],
    });
    this.#chats = [chat.id, group.id];
  }

  /** Sends some commands at once, and then at times waits until the write-ahead log is in the database. */
  async burst(): Promise<void> {
    const done = this.posts(1 + this.#random.below(12));
    if (this.#random.below(4) === 0) done.push(this.#changeGroup());
    this.#answers.push(...done);
    if (this.#random.below(3) > 0) await Promise.all(done);
    if (this.#random.below(12) > 0) return;
    await Promise.all(done);
    while (!(await this.#checkpointed())) await Promise.all(this.posts(1));
  }

  /** Resolves when everything that bursts have sent is answered. */
  async answered(): Promise<void> {
    await Promise.all(this.#answers);
  }

  posts(count: number): Promise<unknown>[] {
    return Array.from({ length: count }, () => this.#post(this.#random.below(1500)));
  }

  async flood(bytes: number): Promise<void> {
    let before: Promise<unknown> = Promise.resolve();
    for (let left = bytes; left > 0; left -= LONG_TEXTS_PER_BURST * LONG_TEXT_BYTES) {
      const burst = Array.from({ length: LONG_TEXTS_PER_BURST }, () => this.#post(LONG_TEXT_BYTES));
      await before;
      before = Promise.all(burst);
    }
    await before;
  }

  #post(bytes: number): Promise<unknown> {
    if (this.#repeatable !== undefined && this.#random.below(20) === 0) {
      return this.#submit('post_message', this.#repeatable, this.#repeatable);
    }
    const number = this.#next++;
    const post: Post = {
      chatId: this.#random.pick(this.#chats),
      authorId: this.#random.pick([1, 2]),
      text: `#${number}#${'x'.repeat(bytes)}`,
      ...(this.#random.below(3) > 0 && { clientId: `client id ${number}` }),
    };
    if (post.clientId !== undefined) this.#repeatable = post;
    return this.#submit('post_message', post, post);
  }

  /**
   * Resolves to true when a checkpoint has written the database. It is false when the ledger looked for one just
   * before its last commit, because then it looks again only after the next commit.
   */
  #checkpointed(): Promise<boolean> {
    const changed = () => statSync(this.#database).mtimeMs;
    const before = changed();
    return until(() => changed() > before, CHECKPOINT_MS).catch(() => false);
  }

  /** Adds and removes members, and makes and deletes a group with a message in it, which is purged then. */
  async #changeGroup(): Promise<void> {
    const group = { actor: 1, name: 'A short group', description: '', users: [] };
    const { id: groupId } = await this.#submit('create_group', group);
    await this.#submit('add_members', { actor: 1, groupId, users: [3] });
    await this.#submit('post_message', { chatId: groupId, authorId: 3, text: 'short-lived' });
    await this.#submit('remove_members', { actor: 1, groupId, users: [3] });
    await this.#submit('delete_group', { actor: 1, groupId });
  }

  #submit<K extends CommandName>(
    kind: K,
    command: Commands[K]['do'],
    post?: Post,
  ): Promise<Commands[K]['ok']> {
    this.submitted.push(post);
    return this.#link.submit(kind, command);
  }
}

/** A link sends its commands in order, in numbered batches, so each answer tells which commands it is for. */
function acknowledged(sent: readonly Sent[], submitted: readonly (Post | undefined)[]): Acknowledged[] {
  const batches = new Map<number, { outcomes: readonly Outcome[]; at: number }[]>();
  for (const { message, begun } of sent) {
    if (message.type !== 'outcomes' && message.type !== 'posted') continue;
    const answers = batches.get(message.number) ?? [];
    batches.set(message.number, [...answers, { outcomes: outcomesOf(message), at: begun }]);
  }
  const found: Acknowledged[] = [];
  let first = 0;
  for (const [, answers] of [...batches].sort(([a], [b]) => a - b)) {
    for (const { outcomes, at } of answers) {
      outcomes.forEach((outcome, index) => {
        const post = submitted[first + index];
        if (!('ok' in outcome)) throw new Error(`refused: ${JSON.stringify(outcome)}`);
        if (post !== undefined) found.push({ at, id: (outcome.ok as { id: number }).id, post });
      });
    }
    first += answers[0]?.outcomes.length ?? 0;
  }
  if (first !== submitted.length) throw new Error(`${submitted.length} commands, ${first} traced answers`);
  return found.sort((a, b) => a.at - b.at);
}

function outcomesOf(message: ToWorker & { type: 'outcomes' | 'posted' }): readonly Outcome[] {
  if (message.type === 'outcomes') return message.outcomes;
  const { first, count, time } = message;
  return Array.from({ length: count }, (_, index): Outcome => ({ ok: { id: first + index, time } }));
}

/** A hello names the newest entry too, because a worker reads up to there. */
function hinted(sent: readonly Sent[]): Hinted[] {
  return sent.flatMap(({ message, begun }) => {
    if (message.type === 'newest') return [{ at: begun, newest: message.id }];
    return message.type === 'hello' ? [{ at: begun, newest: message.newest }] : [];
  });
}
