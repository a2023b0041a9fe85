import { ChatError } from './errors.js';

export type ChatType = 'private' | 'group';

/** A private chat or a group; both share one sequence of ids. */
export interface Chat {
  readonly id: number;
  readonly type: ChatType;
  /** A group's name. A private chat has none, because each user sees the name of the other. */
  readonly name: string;
  readonly description: string;
  /** The name of the photo's file in the group's folder. */
  readonly photo: string | null;
  /** A group's owner, or the user who opened the private chat. */
  readonly ownerId: number;
  /** The two users of a private chat, in ascending order; null for a group. */
  readonly pair: readonly [number, number] | null;
  readonly membersCount: number;
}

/** There is no such chat for the user. Without a type, the caller did not say what it must be. */
export function chatNotFound(type?: ChatType): ChatError {
  return new ChatError(type === 'group' ? 'group_not_found' : 'chat_not_found');
}

/** Puts the two users of a private chat in the order in which they are stored. */
export function pairOf(a: number, b: number): [number, number] {
  return a < b ? [a, b] : [b, a];
}

export function otherOf(pair: readonly [number, number], userId: number): number {
  return pair[0] === userId ? pair[1] : pair[0];
}
