import type { Chat } from '../chat/chats.js';
import type { User } from '../chat/users.js';
import { groupView, profileView } from './encode.js';

// Frames of main sockets that ask for changes. Parts that are JSON already are called so.

/** What a member has not read of a chat. */
interface UnreadCounts {
  readonly readId: number;
  readonly messages: number;
  readonly more: boolean;
  readonly mentions: number;
}

const NOTHING_UNREAD: UnreadCounts = { readId: 0, messages: 0, more: false, mentions: 0 };

/** A chat as lists show it. `nameJson` is what the viewer calls it, `lastMessageJson` its newest message or `null`. */
export function roomJson(
  { id, type }: Chat,
  nameJson: string,
  lastMessageJson: string,
  unread: UnreadCounts = NOTHING_UNREAD,
): string {
  return `{"id":${id},"name":${nameJson},"type":"${type}","last_message":${lastMessageJson},${unreadFields(unread)}}`;
}

/** A chat that the user is in since, with its newest messages. */
export function addedJson(id: number, roomJson: string, messages: readonly string[], more: boolean): string {
  return `{"id":${id},"type":"added","initial":true,"chat":${roomJson},"messages":[${messages.join(',')}],"more":${more}}`;
}

/** A chat in which too much happened, with its newest messages. `before` is where the older ones end. */
export function limitedJson(
  id: number,
  chatId: number,
  before: number,
  roomJson: string,
  messages: readonly string[],
): string {
  return (
    `{"id":${id},"type":"limited","chat_id":${chatId},"before":${before},"chat":${roomJson}` +
    `,"messages":[${messages.join(',')}]}`
  );
}

/** The user is not in the chat any more. */
export function removedJson(id: number, chatId: number): string {
  return `{"id":${id},"type":"removed","chat_id":${chatId}}`;
}

/** A group has another name, description, photo or other members. */
export function chatChangedJson(id: number, group: Chat): string {
  const { photo_url: _signedForOne, ...view } = groupView(group, null);
  return JSON.stringify({ id, type: 'chat', chat: { type: group.type, ...view } });
}

/** The reader's own profile changed, or that of the other user of a private chat. */
export function profileChangedJson(id: number, user: User, chatId?: number): string {
  return JSON.stringify({ id, type: 'profile', chat_id: chatId, user: profileView(user) });
}

/** A page of what happened since. */
export function changesJson(changes: readonly string[], cursor: string, more: boolean): string {
  return `{"type":"changes","changes":[${changes.join(',')}],"cursor":"${cursor}"${more ? ',"more":true' : ''}}`;
}

/** The answer to a question for the history of a chat. */
export function chatHistoryJson(
  chatId: number,
  page: { readonly messages: readonly string[]; readonly moreBefore: boolean; readonly moreAfter: boolean },
  clientId: string | undefined,
): string {
  const { messages, moreBefore, moreAfter } = page;
  const named = clientId === undefined ? '' : `,"client_id":${JSON.stringify(clientId)}`;
  return (
    `{"type":"history","chat_id":${chatId},"messages":[${messages.join(',')}]` +
    `,"more_before":${moreBefore},"more_after":${moreAfter}${named}}`
  );
}

/** Where a client may resume that has got everything before this frame. */
export function cursorJson(cursor: string): string {
  return `{"type":"cursor","cursor":"${cursor}"}`;
}

/** What is unread in some chats and, when `isAll`, that there is nothing unread in the others. */
export function unreadJson(
  chats: readonly (readonly [chatId: number, unread: UnreadCounts])[],
  isAll: boolean,
): string {
  const list = chats.map(([chatId, unread]) => `{"chat_id":${chatId},${unreadFields(unread)}}`);
  const frame = `{"type":"unread","chats":[${list.join(',')}]`;
  if (!isAll) return `${frame}}`;
  const total = chats.reduce((sum, [, { messages }]) => sum + messages, 0);
  const isMore = chats.some(([, { more }]) => more);
  return `${frame},"total_unread":${total}${isMore ? ',"more":true' : ''}}`;
}

/** The fields of a chat that say what is unread. */
function unreadFields({ readId, messages, more, mentions }: UnreadCounts): string {
  return `"unread":${messages}${more ? ',"more":true' : ''},"mentions":${mentions},"read_id":${readId}`;
}
