import type { Commands } from '../../../src/chat/commands.js';
import type { Message, View } from '../../../src/chat/messages.js';
import type { PageBounds, PageFor } from '../../../src/store/read-store.js';
import { NOTHING_KNOWN, UNBOUNDED, value } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';

type Post = Commands['post_message']['do'];
type Edit = Commands['edit_message']['do'];
type Delete = Commands['delete_message']['do'];
type React = Commands['react']['do'];

/** How a chat is asked for. */
interface Asked extends Partial<PageBounds> {
  readonly reader?: number;
  readonly view?: View;
  readonly offset?: number;
  readonly after?: number;
  readonly reacted?: PageFor['reacted'];
}

/** What users do to each other's messages, and what they read then. */
export function conversation(store: CurrentStore) {
  return {
    /** Says something, and gives the id of the message. */
    say: async (chatId: number, authorId: number, text: string, more: Partial<Post> = {}) =>
      (await store().ok('post_message', { chatId, authorId, text, ...more })).id,
    edit: (actor: number, messageId: number, text: string, more: Partial<Edit> = {}) =>
      store().ok('edit_message', { actor, messageId, text, ...more }),
    remove: (actor: number, messageId: number, more: Partial<Delete> = {}) =>
      store().ok('delete_message', { actor, messageId, ...more }),
    react: (actor: number, messageId: number, emoji: string, more: Partial<React> = {}) =>
      store().ok('react', { actor, messageId, emoji, isOn: true, ...more }),

    /** A message as a member of its chat finds it. */
    message: async (id: number, reader = 1): Promise<Message | undefined> =>
      (await value(store().read.messageFor(id, reader, NOTHING_KNOWN)))?.message,

    /** The newest messages of a chat. */
    async newest(chat: number, asked: Asked = {}) {
      const { reader = 1, view = 'full', offset = 0, reacted = [], ...bounds } = asked;
      const within = { ...UNBOUNDED, ...bounds };
      const page = { view, reacted };
      return found(
        await value(store().read.newestFor(chat, reader, offset, within, NOTHING_KNOWN, page)),
        chat,
      );
    },

    /** What sockets of a chat hear after an id. */
    async following(chat: number, asked: Asked = {}) {
      const { reader = 1, view = 'full', after = 0, reacted = [], ...bounds } = asked;
      const within = { ...UNBOUNDED, ...bounds };
      const page = { view, reacted };
      return found(
        await value(store().read.entriesFor(chat, reader, after, within, NOTHING_KNOWN, page)),
        chat,
      );
    },
  };
}

function found<T>(page: T | undefined, chat: number): T {
  if (page === undefined) throw new Error(`the reader is not in chat ${chat}`);
  return page;
}
