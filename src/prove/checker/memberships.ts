import type { StoredLog } from './stored-log.js';

/** A user is a member for messages with ids from `from` up to, not including, `to`. */
interface Interval {
  readonly from: number;
  to: number;
}

interface Membership {
  readonly intervals: Interval[];
  /** How often the user was added, or an addition was asked for: at most this many intervals have begun. */
  begun: number;
  /** Additions that were answered 200. */
  joined: number;
  /** Removals that were answered 200. */
  left: number;
}

/**
 * Who was a member when. This is exact where the log's membership changes are known. Otherwise a removal is known to
 * stand before any message that was sent after its answer.
 */
export class Memberships {
  readonly #isExact: boolean;
  readonly #byChat = new Map<number, Map<number, Membership>>();
  /** When it is not exact: by chat, the intervals that a removal ended and whose last id is not known yet. */
  readonly #removed = new Map<number, Interval[]>();

  constructor(log: StoredLog) {
    this.#isExact = log.changes !== undefined;
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
    if (!this.#isExact) membership.intervals.push({ from: 0, to: Number.POSITIVE_INFINITY });
  }

  joined(chatId: number, user: number): void {
    this.#of(chatId, user).joined += 1;
  }

  left(chatId: number, user: number): void {
    const membership = this.#of(chatId, user);
    membership.left += 1;
    const last = membership.intervals.at(-1);
    if (this.#isExact || last === undefined) return;
    this.#removed.set(chatId, [...(this.#removed.get(chatId) ?? []), last]);
  }

  /** A message was sent for the first time, and is stored with this id. */
  sent(chatId: number, id: number): void {
    const removed = this.#removed.get(chatId);
    if (removed === undefined) return;
    for (const interval of removed) interval.to = id;
    this.#removed.delete(chatId);
  }

  /** How many memberships of the user can have begun by this moment. */
  begun(chatId: number, user: number): number {
    return this.#byChat.get(chatId)?.get(user)?.begun ?? 0;
  }

  /** The id from which on no message may be shown on a connection that began within the first `begun` memberships. */
  endsAt(chatId: number, user: number, begun: number): number {
    if (begun === 0) return 0;
    const { intervals } = this.#of(chatId, user);
    return (intervals[begun - 1] ?? intervals.at(-1))?.to ?? 0;
  }

  /** True when the user certainly was a member when the message with this id was stored. */
  wasMember(chatId: number, user: number, id: number): boolean {
    const membership = this.#of(chatId, user);
    if (!this.#isExact && membership.begun > 1) return false;
    return membership.intervals.some(({ from, to }) => from <= id && id < to);
  }

  /** True when the user is a member after the last event. */
  isMember(chatId: number, user: number): boolean {
    return this.#of(chatId, user).intervals.at(-1)?.to === Number.POSITIVE_INFINITY;
  }

  /** The chats that the user is a member of after the last event. */
  *chatsOf(user: number): Generator<number> {
    for (const [chatId, users] of this.#byChat)
      if (users.has(user) && this.isMember(chatId, user)) yield chatId;
  }

  /** Describes the changes that were answered 200 and that the log does not have. */
  *lost(): Generator<string> {
    if (!this.#isExact) return;
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
