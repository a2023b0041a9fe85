import { type Entry, isChatEntry, isGroupChange } from '../../chat/entries.js';
import { ChatError } from '../../chat/errors.js';
import type { Message } from '../../chat/messages.js';
import { attempt, chain, type MaybePromise } from '../../maybe-promise.js';
import { NO_CHATS, NO_PARTNERS, NO_QUOTES, NO_USERS } from '../../store/loading.js';
import type { At, Lacks, Loaded, LogPage, ReadStore } from '../../store/read-store.js';
import { PendingReads } from './pending-reads.js';
import { PrefetchedEntries } from './prefetched-entries.js';

/**
 * Bounds of what is applied in one tick, so that what is published in it stays far under the engine's limit for one
 * socket. The bytes of an entry are those that it published, or those of its text when no socket is sent it.
 */
const PAGE_ENTRIES_MAX = 500;
const PAGE_BYTES_MAX = 256 * 1024;
/** The follower looks at the log this often when no hint comes. */
const LOOK_EVERY_MS = 250;

const NOTHING_LACKED = {
  users: NO_USERS,
  chats: NO_CHATS,
  partners: NO_PARTNERS,
  quotes: NO_QUOTES,
} as const;

/** What the follower's owner does with the log. */
export interface FollowerEvents extends Lacks {
  /** Applies an entry; returns the bytes that this published. `page` brings what `Lacks` said is lacking. */
  pass(entry: Entry, page: LogPage): number;
  /**
   * The log cannot be read, or an entry cannot be applied. Nothing can be trusted after that: the process should end.
   */
  failed(error: unknown): void;
}

/**
 * Follows the log. It holds one number, the position: every entry up to it has been applied, in order, once. Hints only
 * wake the follower; it trusts the store alone.
 *
 * Everybody reads the store through the follower, in two steps. `load` asks the store, which may take time, and changes
 * nothing that others see. `act` gets the answer in the very tick in which the position is the one that the answer is
 * true at, so that caches, membership, the stream of entries and the answer agree. A store that answers at once, as
 * SQLite does, has both steps in one tick.
 */
export class Follower {
  readonly #store: ReadStore;
  readonly #events: FollowerEvents;
  readonly #timer: NodeJS.Timeout;
  readonly #prefetched = new PrefetchedEntries();
  readonly #reads: PendingReads;
  #position: number;
  #scheduled: NodeJS.Immediate | undefined;
  /** A page is being read or applied, or an answer is being acted on. */
  #busy = false;
  /** Somebody asked for a look at the log that could not be taken yet. */
  #lookAgain = false;
  /** The last page was not the end of the log: the next comes in a later tick. */
  #behind = false;
  /** The store answers later, so nothing can be read within a tick. */
  #isStoreSlow = false;
  /** Why nothing is read any more: the follower was closed, or it failed. */
  #ended: { readonly reason: unknown } | undefined;

  /** Begins at `position`, the end of the log, because no socket has to be told of what was before. */
  constructor(store: ReadStore, position: number, events: FollowerEvents) {
    this.#store = store;
    this.#position = position;
    this.#events = events;
    this.#timer = setInterval(() => this.#follow(), LOOK_EVERY_MS);
    this.#reads = new PendingReads({
      position: () => this.#position,
      isBusy: () => this.#busy,
      whileBusy: (act) => this.#whileBusy(act),
      schedule: () => this.#schedule(),
    });
  }

  get position(): number {
    return this.#position;
  }

  /** Whether more than a page of the log is to be applied yet. */
  get isBehind(): boolean {
    return this.#behind;
  }

  /** An answer from what the worker has at hand, which is true at the position. */
  here<T>(value: T): At<T> {
    return { value, position: this.#position };
  }

  /** Somebody says that the log has come to `id`. This is only a reason to look. */
  hint(id: number): void {
    if (id > this.#position) this.#schedule();
  }

  /**
   * Takes consecutive messages that are in the log, as their writer's answer tells, so that they need not be read
   * there: a message costs its own worker a tenth less.
   */
  prefetch(entries: readonly Message[]): void {
    this.#prefetched.add(entries, this.#position);
    this.#schedule();
  }

  /**
   * Follows the log to its end, loads, follows to the answer's position, and acts. This happens at once when the store
   * answers at once and no more than a page is new; otherwise the result is a promise. Errors: those of `load` and
   * `act`; unavailable, when the follower is closed before.
   */
  read<V, T>(load: () => Loaded<V>, act: (value: V) => T): MaybePromise<T> {
    const done = this.#readNow(load, act);
    if (done !== undefined) return done.value;
    return new Promise<T>((resolve, reject) => {
      this.readSoon(load, (value) => resolve(act(value)), reject);
    });
  }

  /**
   * Reads as `read` does, when everything that this tick brings is there: one look at the log is enough for all who ask
   * in it, which takes a third off a small request. `failed` gets the errors.
   */
  readSoon<V>(load: () => Loaded<V>, act: (value: V) => void, failed: (error: unknown) => void): void {
    this.#reads.add({ load, act, failed });
  }

  /** Acts when the log is followed to its end, as it is now: at once when no more than a page is new. */
  whenCaughtUp<T>(act: () => T): MaybePromise<T> {
    return this.read(
      () => this.here(undefined),
      () => act(),
    );
  }

  /** The store is not read any more, since it may be closed next. Reads that wait are refused with `unavailable`. */
  close(): void {
    this.#end(new ChatError('unavailable'));
  }

  #readNow<V, T>(
    load: () => Loaded<V>,
    act: (value: V) => T,
  ): { readonly value: MaybePromise<T> } | undefined {
    const isPossible = !this.#busy && !this.#behind && !this.#isStoreSlow && !this.#reads.holdLog;
    const isAtEnd = isPossible && this.#advanceNow();
    if (this.#ended !== undefined) throw this.#ended.reason;
    if (!isAtEnd) return undefined;
    const loaded = load();
    if (loaded instanceof Promise) {
      const value = new Promise<T>((resolve, failed) => {
        this.#reads.addLoaded({ load, act: (late: V) => resolve(act(late)), failed }, loaded);
      });
      return { value };
    }
    // Another process may have written between the look at the log and the answer.
    if (loaded.position > this.#position && !this.#advanceNow()) return undefined;
    if (loaded.position !== this.#position) return undefined;
    return { value: this.#whileBusy(() => act(loaded.value)) };
  }

  /** Somebody who acts may ask to read again, which has to wait until the act is over. */
  #whileBusy<T>(act: () => T): T {
    const wasBusy = this.#busy;
    this.#busy = true;
    try {
      return act();
    } finally {
      this.#busy = wasBusy;
    }
  }

  #schedule(): void {
    if (this.#ended !== undefined) return;
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      this.#follow();
    });
  }

  #follow(): void {
    if (this.#ended !== undefined) return;
    if (this.#busy || this.#reads.holdLog) {
      this.#lookAgain = true;
      return;
    }
    // A read that comes while a page is on its way may have to see more than is in that page.
    const { waiting } = this.#reads;
    void chain(this.#advance(), () => {
      if (!this.#behind) this.#reads.load(waiting);
      this.#goOn();
    });
  }

  #goOn(): void {
    if (this.#behind || this.#lookAgain || this.#reads.needLog) this.#schedule();
  }

  /** Returns whether the log was followed to its end within this tick. */
  #advanceNow(): boolean {
    const late = this.#advance();
    if (late instanceof Promise) void late.then(() => this.#goOn());
    return !(late instanceof Promise) && !this.#behind;
  }

  /** Applies what a tick has time for, and acts on the answers that are true at the positions it comes to. */
  #advance(): MaybePromise<void> {
    this.#busy = true;
    this.#lookAgain = false;
    const applied = attempt(
      () => this.#pages(),
      (error) => this.#fail(error),
    );
    return chain(applied, () => {
      this.#busy = false;
    });
  }

  /** Half a page may be applied, which must not be repeated. */
  #fail(error: unknown): void {
    if (this.#ended !== undefined) return;
    this.#end(error);
    this.#events.failed(error);
  }

  #end(reason: unknown): void {
    this.#ended = { reason };
    clearInterval(this.#timer);
    clearImmediate(this.#scheduled);
    this.#reads.end(reason);
  }

  #pages(): MaybePromise<void> {
    let count = 0;
    let bytes = 0;
    do {
      const page = this.#next(PAGE_ENTRIES_MAX - count, PAGE_BYTES_MAX - bytes);
      if (page instanceof Promise) return this.#pageLate(page);
      count += page.entries.length;
      bytes += this.#apply(page, PAGE_BYTES_MAX - bytes);
    } while (this.#behind && count < PAGE_ENTRIES_MAX && bytes <= PAGE_BYTES_MAX);
    return undefined;
  }

  async #pageLate(page: Promise<LogPage>): Promise<void> {
    this.#isStoreSlow = true;
    const late = await page;
    if (this.#ended === undefined) this.#apply(late, PAGE_BYTES_MAX, true);
  }

  /**
   * Applies a page's entries up to the bound, or up to a message that needs more than the page brings. What is left is
   * read again. Returns the bytes that count for the bound.
   */
  #apply(page: LogPage, bytesMax: number, isLate = false): number {
    let bytes = 0;
    /** What the owner lacks may have changed since the page was asked for. */
    let isChanged = isLate;
    for (const entry of page.entries) {
      if (this.#reads.actUpTo(entry.id - 1)) isChanged = true;
      if (isChanged && !this.#isBrought(entry, page)) break;
      const text = entry.kind === 'message' ? entry.text.length : 0;
      bytes += Math.max(this.#events.pass(entry, page), text);
      this.#position = entry.id;
      if (entry.kind === 'unknown') isChanged = true; // It empties caches.
      if (bytes > bytesMax) break;
    }
    this.#behind = page.more || this.#position < (page.entries.at(-1)?.id ?? 0);
    this.#reads.actUpTo(this.#position);
    return bytes;
  }

  #isBrought(entry: Entry, { users, chats, partners }: LogPage): boolean {
    if (entry.kind === 'user_changed') return partners.has(entry.userId) || !this.#events.partners();
    const isOfMessage = isChatEntry(entry);
    if (!isOfMessage && !isGroupChange(entry)) return true;
    if (isOfMessage && !users.has(entry.authorId) && this.#events.author(entry)) return false;
    return chats.has(entry.chatId) || !this.#events.chat(entry);
  }

  /** The entries after the position: those that were prefetched, or else the store's up to them. */
  #next(max: number, maxBytes: number): MaybePromise<LogPage> {
    const run = this.#prefetched.after(this.#position, max);
    if (run.length > 0) {
      const isWhole = !run.some((entry) => this.#events.author(entry) || this.#events.chat(entry));
      if (isWhole) return { ...NOTHING_LACKED, entries: run, more: true };
    }
    const gap = run.length > 0 ? Number.POSITIVE_INFINITY : this.#prefetched.first - this.#position - 1;
    const page = this.#store.log(this.#position, { max: Math.min(max, gap), maxBytes }, this.#events);
    if (gap === Number.POSITIVE_INFINITY) return page;
    return chain(page, (found) => ({ ...found, more: found.more || found.entries.length > 0 }));
  }
}
