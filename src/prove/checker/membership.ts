import type { Log } from './log.js';

/** A user is a member for messages with ids from `from` up to, not including, `to`. */
interface Interval {
  readonly from: number;
  to: number;
}

interface Membership {
  readonly intervals: Interval[];
  /** How often the user was added, or somebody asked to: no more than so many intervals can have begun. */
  begun: number;
  /** Additions and removals that were answered 200. */
  joined: number;
  left: number;
}

/**
 * Who was a member when. Exact where the log's changes are known; otherwise a removal is known to lie before
 * any message that was sent after its answer.
 */
export class Memberships {
  readonly #exact: boolean;
  readonly #byChat = new Map<number, Map<number, Membership>>();
  /** Without the log's changes: removals that were answered, by chat, until the next message is sent there. */
  readonly #removed = new Map<number, Interval[]>();

  constructor(log: Log) {
    this.#exact = log.changes !== undefined;
    for (const { id, chatId, kind, users } of log.changes ?? []) {
      for (const user of users) {
        const { intervals } = this.#of(chatId, user);
        const last = intervals.at(-1);
        if (kind === 'added') intervals.push({ from: id, to: Number.POSITIVE_INFINITY });
        else if (last !== undefined) last.to = id;
      }
    }
  }

  created(chatId: number, users: readonly number[]): void {
    for (const user of users) {
      const membership = this.#of(chatId, user);
      membership.begun = 1;
      if (membership.intervals.length === 0) {
        membership.intervals.push({ from: 0, to: Number.POSITIVE_INFINITY });
      }
    }
  }

  joining(chatId: number, user: number): void {
    const membership = this.#of(chatId, user);
    membership.begun += 1;
    if (!this.#exact) membership.intervals.push({ from: 0, to: Number.POSITIVE_INFINITY });
  }

  joined(chatId: number, user: number): void {
    this.#of(chatId, user).joined += 1;
  }

  left(chatId: number, user: number): void {
    const membership = this.#of(chatId, user);
    membership.left += 1;
    const last = membership.intervals.at(-1);
    if (this.#exact || last === undefined) return;
    this.#removed.set(chatId, [...(this.#removed.get(chatId) ?? []), last]);
  }

  /** A message was sent for the first time, and has, or will get, this id. */
  sent(chatId: number, id: number): void {
    const removed = this.#removed.get(chatId);
    if (removed === undefined) return;
    for (const interval of removed) interval.to = id;
    this.#removed.delete(chatId);
  }

  /** How many memberships of the user can have begun by now. */
  begun(chatId: number, user: number): number {
    return this.#byChat.get(chatId)?.get(user)?.begun ?? 0;
  }

  /** Messages from this id on are not for one whose connection began within that many memberships. */
  endsAt(chatId: number, user: number, begun: number): number {
    if (begun === 0) return 0;
    const { intervals } = this.#of(chatId, user);
    return (intervals[begun - 1] ?? intervals.at(-1))?.to ?? 0;
  }

  /** True when the user certainly was a member when the message of that id was stored. */
  wasMember(chatId: number, user: number, id: number): boolean {
    const membership = this.#of(chatId, user);
    if (!this.#exact && membership.begun > 1) return false;
    return membership.intervals.some(({ from, to }) => from <= id && id < to);
  }

  isMember(chatId: number, user: number): boolean {
    return this.#of(chatId, user).intervals.at(-1)?.to === Number.POSITIVE_INFINITY;
  }

  /** Chats in which the user is at the end. */
  *chatsOf(user: number): Generator<number> {
    for (const [chatId, users] of this.#byChat)
      if (users.has(user) && this.isMember(chatId, user)) yield chatId;
  }

  /** Changes that were answered 200 and that the log does not have. */
  *lost(): Generator<string> {
    if (!this.#exact) return;
    for (const [chatId, users] of this.#byChat) {
      for (const [user, { intervals, joined, left }] of users) {
        const ends = intervals.filter(({ to }) => to < Number.POSITIVE_INFINITY).length;
        if (left > ends) yield `${left} removals of user ${user} from chat ${chatId}, ${ends} stored`;
        if (joined > intervals.length)
          yield `${joined} additions of user ${user} to chat ${chatId}, ${intervals.length} stored`;
      }
    }
  }

  #of(chatId: number, user: number): Membership {
    const users = this.#byChat.get(chatId) ?? new Map<number, Membership>();
    this.#byChat.set(chatId, users);
    const membership = users.get(user) ?? { intervals: [], begun: 0, joined: 0, left: 0 };
    users.set(user, membership);
    return membership;
  }
}
