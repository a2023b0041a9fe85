import type { Mention } from '../../../src/chat/messages.js';
import { UNREAD_MAX } from '../../../src/chat/messages.js';
import type { Unread } from '../../../src/store/read-store.js';

export interface ModelMessage {
  readonly id: number;
  readonly authorId: number;
  readonly mentions: readonly Mention[];
  isDeleted: boolean;
}

/** A chat in which what is unread is counted message by message. */
export class ModelChat {
  readonly id: number;
  readonly ownerId: number;
  readonly isGroup: boolean;
  readonly messages: ModelMessage[] = [];
  /** How far each member has read. */
  readonly members: Map<number, number>;

  constructor(id: number, ownerId: number, users: readonly number[], isGroup: boolean) {
    this.id = id;
    this.ownerId = ownerId;
    this.isGroup = isGroup;
    this.members = new Map(users.map((user) => [user, 0]));
  }

  unreadOf(userId: number): Unread {
    const readId = this.members.get(userId) ?? 0;
    const unread = this.messages.filter(
      ({ id, authorId, isDeleted }) => id > readId && authorId !== userId && !isDeleted,
    );
    const mentioning = unread.filter(({ mentions }) => mentions.includes(userId) || mentions.includes('all'));
    return {
      readId,
      messages: Math.min(unread.length, UNREAD_MAX),
      more: unread.length > UNREAD_MAX,
      mentions: Math.min(mentioning.length, UNREAD_MAX),
    };
  }
}
