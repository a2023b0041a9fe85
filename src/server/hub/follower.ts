import type { Entry } from '../../chat/entries.js';
import type { Message } from '../../chat/messages.js';
import { chain, type MaybePromise } from '../../maybe-promise.js';
import type { At, Lacks, Loaded, LogPage, ReadStore, Users } from '../../store/read-store.js';
import { PrefetchedEntries } from './prefetched-entries.js';

/**
 * One page of the log a tick: what is published in it stays far under the engine's limit for one socket. The
 * bytes are those that are published, as text may grow sixfold in JSON, or those of the text when nobody hears it.
 */
const PAGE_ENTRIES_MAX = 500;
const PAGE_BYTES_MAX = 256 * 1024;
/** Without any hint, the log is looked at this often. */
const LOOK_EVERY_MS = 250;

const NO_USERS: Users = new Map();
const NO_CHATS: LogPage['chats'] = new Map();

/** What the follower's owner does with the log. */
export interface FollowerEvents extends Lacks {
  /** Applies an entry; returns the bytes that this published. `page` brings what `Lacks` said is lacking. */
  pass(entry: Entry, page: LogPage): number;
  /**
   * The log cannot be read, or an entry cannot be applied. Nothing can be trusted after that: the process should end.
   */
  failed(error: unknown): void;
}

/** Somebody who acts when the position is just the one that their answer is true at. */
interface Stop {
  readonly position: number;
  act(): void;
}

/**
 * Follows the log. It holds one number, the position: every entry up to it has been applied, in order, once.
 * Hints only wake it; what it trusts is the store.
 *
 * Whoever reads the store does so through it, in two steps. `load` asks the store, which may take time, and changes
 * nothing. `act` gets the answer in the very tick in which the position is the one that the answer is true at, so that
 * caches, membership, the stream of entries and the answer agree. A store that answers at once, as SQLite does, has
 * both steps in one tick.
 */
export class Follower {
  readonly #store: ReadStore;
  readonly #events: FollowerEvents;
  readonly #timer: NodeJS.Timeout;
  readonly #prefetched = new PrefetchedEntries();
  #position: number;
  #scheduled: NodeJS.Immediate | undefined;
  /** A page is being read or applied, or somebody acts. */
  #busy = false;
  #closed = false;
  /** The last page was not the end of the log: the next comes in a later tick. */
  #behind = false;
  /** They ask when the log's end, as it was when they came, is reached. */
  #waiting: (() => void)[] = [];
  /** In ascending order of their positions. */
  readonly #stops: Stop[] = [];

  /** Begins at `position`, the end of the log: what was before is nobody's news. */
  constructor(store: ReadStore, position: number, events: FollowerEvents) {
    this.#store = store;
    this.#position = position;
    this.#events = events;
    this.#timer = setInterval(() => this.#follow(), LOOK_EVERY_MS);
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

  /** Somebody says that the log has come to `id`. Nothing but a reason to look. */
  hint(id: number): void {
    if (id > this.#position) this.#schedule();
  }

  /**
   * Takes consecutive messages that are in the log, as their writer's answer tells: they need not be read there. Not
   * read back, a message costs its own worker a tenth less.
   */
  prefetch(entries: readonly Message[]): void {
    this.#prefetched.add(entries, this.#position);
    this.#schedule();
  }

  /**
   * Follows the log to its end, loads, follows to the answer's position, and acts. At once when the store answers at
   * once and no more than a page is new; otherwise in a promise. Errors: those of `load` and `act`.
   */
  read<V, T>(load: () => Loaded<V>, act: (value: V) => T): MaybePromise<T> {
    const done = this.#readNow(load, act);
    if (done !== undefined) return done.value;
    return new Promise<T>((resolve, reject) => {
      this.readSoon(load, (value) => resolve(act(value)), reject);
    });
  }

  /**
   * As `read`, when all that this tick brings is there: one look at the log is enough for all who ask in it, which
   * takes a third off a small request. `failed` gets what `load` or `act` throws.
   */
  readSoon<V>(load: () => Loaded<V>, act: (value: V) => void, failed: (error: unknown) => void): void {
    const fail = (error: unknown) => failed(error);
    const run = (value: V) => {
      try {
        act(value);
      } catch (error) {
        fail(error);
      }
    };
    const ask = () => {
      try {
        const loaded = load();
        if (loaded instanceof Promise) loaded.then(arrived, fail);
        else arrived(loaded);
      } catch (error) {
        fail(error);
      }
    };
    const arrived = ({ value, position }: At<V>) => {
      if (position < this.#position)
        this.#ask(ask); // The log went on meanwhile: the answer is old.
      else this.#actAt(position, () => run(value));
    };
    this.#ask(ask);
  }

  /** Acts when the log is followed to its end, as it is now: at once when no more than a page is new. */
  whenCaughtUp<T>(act: () => T): MaybePromise<T> {
    return this.read(
      () => this.here(undefined),
      () => act(),
    );
  }

  /** Its store may be closed next: it is not looked at any more. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    clearImmediate(this.#scheduled);
  }

  #readNow<V, T>(load: () => Loaded<V>, act: (value: V) => T): { readonly value: T } | undefined {
    if (this.#busy || this.#behind) return undefined;
    const advanced = this.#advance();
    if (advanced instanceof Promise) {
      advanced.catch(() => undefined); // Its owner was told.
      return undefined;
    }
    if (this.#behind) return undefined;
    const loaded = load();
    if (loaded instanceof Promise) {
      // Nobody waits for this answer: another is asked for when it is its turn.
      loaded.catch(() => undefined);
      return undefined;
    }
    // Another process may have written between the look at the log and the answer.
    if (loaded.position > this.#position) this.#advance();
    if (loaded.position !== this.#position) return undefined;
    return { value: this.#acting(() => act(loaded.value)) };
  }

  #ask(ask: () => void): void {
    this.#waiting.push(ask);
    this.#schedule();
  }

  #actAt(position: number, act: () => void): void {
    if (position === this.#position && !this.#busy) {
      this.#acting(act);
      return;
    }
    const index = this.#stops.findLastIndex((stop) => stop.position <= position);
    this.#stops.splice(index + 1, 0, { position, act });
    this.#schedule();
  }

  /** What acts may ask to read again: that has to wait until it is done. */
  #acting<T>(act: () => T): T {
    this.#busy = true;
    try {
      return act();
    } finally {
      this.#busy = false;
    }
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      this.#follow();
    });
  }

  #follow(): void {
    if (this.#busy || this.#closed) return;
    // Who comes while a page is being read may have to see more than is in it.
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const done = chain(this.#advance(), () => this.#settle(waiting));
      if (done instanceof Promise) done.catch(() => undefined); // Its owner was told, and ends the process.
    } catch (error) {
      this.#waiting = [...waiting, ...this.#waiting];
      throw error;
    }
  }

  #settle(waiting: (() => void)[]): void {
    if (this.#behind) {
      this.#waiting = [...waiting, ...this.#waiting];
      this.#schedule();
      return;
    }
    for (const ask of waiting) ask();
    if (this.#waiting.length > 0 || this.#stops.length > 0) this.#schedule();
  }

  /** Applies what a tick has time for, and lets those act whose positions it comes to. */
  #advance(): MaybePromise<void> {
    this.#busy = true;
    try {
      const late = this.#pages();
      if (late === undefined) {
        this.#busy = false;
        return undefined;
      }
      return late.then(
        () => {
          this.#busy = false;
          if (this.#waiting.length > 0 || this.#stops.length > 0) this.#schedule();
        },
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** Half a page may be applied: to go on would repeat it. */
  #fail(error: unknown): never {
    this.#busy = false;
    this.#events.failed(error);
    throw error;
  }

  #pages(): Promise<void> | undefined {
    let count = 0;
    let bytes = 0;
    do {
      const page = this.#next(PAGE_ENTRIES_MAX - count, PAGE_BYTES_MAX - bytes);
      if (page instanceof Promise) return page.then((late) => this.#applyLate(late));
      count += page.entries.length;
      bytes += this.#apply(page, PAGE_BYTES_MAX - bytes);
    } while (this.#behind && count < PAGE_ENTRIES_MAX && bytes <= PAGE_BYTES_MAX);
    return undefined;
  }

  /** While it was on its way, somebody may have come who needs more to be brought: then it is read again. */
  #applyLate(page: LogPage): void {
    const { users, chats } = page;
    const isWhole = page.entries.every(
      (entry) =>
        entry.kind !== 'message' ||
        ((users.has(entry.authorId) || !this.#events.author(entry)) &&
          (chats.has(entry.chatId) || !this.#events.chat(entry))),
    );
    if (isWhole || this.#closed) this.#apply(page, PAGE_BYTES_MAX);
    else this.#behind = true;
  }

  /** Returns the bytes that count for the page. */
  #apply(page: LogPage, bytesMax: number): number {
    let bytes = 0;
    for (const entry of page.entries) {
      this.#actUpTo(entry.id - 1);
      const text = entry.kind === 'message' ? entry.text.length : 0;
      bytes += Math.max(this.#events.pass(entry, page), text);
      this.#position = entry.id;
      if (bytes > bytesMax) break;
    }
    this.#behind = page.more || this.#position < (page.entries.at(-1)?.id ?? 0);
    this.#actUpTo(this.#position);
    return bytes;
  }

  /** Whose answer is true at a position up to this one, where no entry lies between the two. */
  #actUpTo(position: number): void {
    for (let stop = this.#stops[0]; stop !== undefined && stop.position <= position; stop = this.#stops[0]) {
      this.#stops.shift();
      stop.act();
    }
  }

  /** The entries after the position: those that were prefetched, or else the store's up to them. */
  #next(max: number, maxBytes: number): MaybePromise<LogPage> {
    const run = this.#prefetched.after(this.#position, max);
    const isWhole =
      run.length > 0 && !run.some((entry) => this.#events.author(entry) || this.#events.chat(entry));
    if (isWhole) return { entries: run, more: true, users: NO_USERS, chats: NO_CHATS };
    const gap = run.length > 0 ? max : this.#prefetched.first - this.#position - 1;
    const isCut = gap < Number.POSITIVE_INFINITY;
    const page = this.#store.log(this.#position, { max: Math.min(max, gap), maxBytes }, this.#events);
    if (!isCut) return page;
    return chain(page, (found) => ({ ...found, more: found.more || found.entries.length > 0 }));
  }
}
