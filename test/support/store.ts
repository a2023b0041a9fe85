import { randomUUID } from 'node:crypto';
import type { Command, CommandName, Commands, Outcome } from '../../src/chat/commands.js';
import type { Entry } from '../../src/chat/entries.js';
import type { Message } from '../../src/chat/messages.js';
import type { WriteLimits } from '../../src/store/driver.js';
import type { Known, Lacks, Loaded, PageBounds, ReadStore } from '../../src/store/read-store.js';
import type { CommandBatch, WriteStore } from '../../src/store/write-store.js';

/** Both sides of one store. `at` names it: opening the same name again finds what was written. */
export interface OpenedStore {
  readonly write: WriteStore;
  readonly read: ReadStore;
  close(): void;
}
export type OpenStore = (
  at: string,
  options?: { readonly limits?: WriteLimits | undefined },
) => Promise<OpenedStore>;

/** A caller who has nothing at hand. */
export const NOTHING_KNOWN: Known = {
  hasUser: () => false,
  chat: () => undefined,
  newestMessage: () => undefined,
};
/** A follower of the log who needs nothing beside the entries. */
export const NOTHING_LACKS: Lacks = { author: () => false, chat: () => false, partners: () => false };
/** More than any test writes. */
export const UNBOUNDED: PageBounds = { max: 1_000_000, maxBytes: Number.MAX_SAFE_INTEGER };

/** The answer without its position. */
export async function value<T>(loaded: Loaded<T>): Promise<T> {
  return (await loaded).value;
}

/** A worker and a ledger in one, over a store: numbers its batches and hands them in until all are applied. */
export class TestStore {
  now = 1_700_000_000_000;
  readonly #open: OpenStore;
  readonly #at: string;
  #store: OpenedStore;
  readonly #worker = randomUUID();
  #number = 0;

  private constructor(open: OpenStore, at: string, store: OpenedStore) {
    this.#open = open;
    this.#at = at;
    this.#store = store;
  }

  static async open(open: OpenStore, at: string): Promise<TestStore> {
    return new TestStore(open, at, await open(at));
  }

  get read(): ReadStore {
    return this.#store.read;
  }

  get write(): WriteStore {
    return this.#store.write;
  }

  async reopen(limits?: WriteLimits): Promise<void> {
    this.#store.close();
    this.#store = await this.#open(this.#at, { limits });
  }

  close(): void {
    this.#store.close();
  }

  /** Applies the batches in one batch where the store takes them in one. */
  async apply(...batches: CommandBatch[]): Promise<Outcome[][]> {
    const outcomes: Outcome[][] = [];
    while (outcomes.length < batches.length) {
      const applied = await this.#store.write.apply(batches.slice(outcomes.length), this.now);
      if (applied.outcomes.length === 0) throw new Error('the store takes no batch');
      outcomes.push(...applied.outcomes);
    }
    return outcomes;
  }

  /** A batch of a worker of its own. */
  batch(commands: readonly Command[], more: Partial<CommandBatch> = {}): CommandBatch {
    return { worker: randomUUID(), number: 1, confirmed: 0, crashes: 0, commands, ...more };
  }

  /** Applies commands in one batch. */
  async run(...commands: Command[]): Promise<Outcome[]> {
    this.#number += 1;
    const position = { worker: this.#worker, number: this.#number, confirmed: this.#number - 1 };
    const [outcomes = []] = await this.apply(this.batch(commands, position));
    return outcomes;
  }

  /** Applies one command that must succeed. */
  async ok<K extends CommandName>(kind: K, command: Commands[K]['do']): Promise<Commands[K]['ok']> {
    const [outcome] = await this.run({ kind, ...command } as Command);
    if (outcome === undefined || 'error' in outcome) throw new Error(`${kind}: ${JSON.stringify(outcome)}`);
    return outcome.ok as Commands[K]['ok'];
  }

  /** Applies one command that must be refused without a trace in the log. */
  async refused<K extends CommandName>(kind: K, command: Commands[K]['do']): Promise<Outcome> {
    const before = await this.newest();
    const [outcome] = await this.run({ kind, ...command } as Command);
    if (outcome === undefined || 'ok' in outcome) throw new Error(`${kind}: ${JSON.stringify(outcome)}`);
    const after = await this.newest();
    if (after !== before) throw new Error(`${kind} was refused, but the log grew from ${before} to ${after}`);
    return outcome;
  }

  /** The newest id of the log. */
  async newest(): Promise<number> {
    return this.read.newest();
  }

  /** The log after a position. */
  async entries(after = 0): Promise<readonly Entry[]> {
    return (await this.read.log(after, UNBOUNDED, NOTHING_LACKS)).entries;
  }

  /** All messages of a chat, oldest first, as its member reads them. */
  async messages(chatId: number, member = 1): Promise<readonly Message[]> {
    const page = await value(this.read.newestFor(chatId, member, 0, UNBOUNDED, NOTHING_KNOWN));
    if (page === undefined) throw new Error(`user ${member} reads no chat ${chatId}`);
    return page.messages;
  }

  /** Makes the users 1 to `count`. */
  async users(count: number): Promise<void> {
    const commands = Array.from({ length: count }, (_, index): Command => {
      const id = index + 1;
      return {
        kind: 'create_user',
        caller: { id },
        username: `user-${id}`,
        name: `User ${id}`,
        description: '',
      };
    });
    await this.run(...commands);
  }

  /** Makes a group of the users 1 to `count`, who are made too; user 1 owns it. */
  async group(count: number): Promise<number> {
    await this.users(count);
    const users = Array.from({ length: count }, (_, index) => index + 1);
    return (await this.ok('create_group', { actor: 1, name: 'a group', description: '', users })).id;
  }
}

export function say(chatId: number, authorId: number, text: string, clientId?: string): Command {
  return { kind: 'post_message', chatId, authorId, text, ...(clientId !== undefined && { clientId }) };
}
