import type { z } from 'zod';
import type { Chat, ChatType } from '../chat/chats.js';
import type { ChangedMessage, MessageChange } from '../chat/entries.js';
import type { ChatError } from '../chat/errors.js';
import { isDeleted, type Message, type MessageExtra, type Quote, type Reaction } from '../chat/messages.js';
import type { User } from '../chat/users.js';
import type { ErrorFrame, PingFrame, PongFrame } from './frames.js';
import type { GroupInfo, UserView } from './responses.js';
import { BASE } from './routes.js';

// What the server sends is spliced by hand, because JSON.stringify of the whole object costs three times as much.
// The shapes are the schemas of frames.ts and responses.ts, which the tests hold these functions to.

/**
 * A Message as in history, chat lists and live frames, but for its reactions. `author` is the author's name as `authorName`
 * gives it, and `quote` what a reply quotes, while that exists.
 */
export function messageJson(message: Message, author: string, quote?: Quote): string {
  return isDeleted(message) ? tombstoneJson(message, author) : `${head(message, 'message', author, quote)}}`;
}

/** The `last_message` frame of main sockets, which quotes nothing. */
export function lastMessageJson(message: Message, author: string, chatType: ChatType): string {
  return `${head(message, 'last_message', author, undefined)},"chat_type":"${chatType}"}`;
}

/** The answer to a repeated `client_id`: the first message again, on the asking socket only. */
export function duplicateJson(message: Message, author: string, quote?: Quote): string {
  return `${head(message, 'message', author, quote)},"duplicate":true}`;
}

/** The frame that tells of a change. `author` is the name of who made it. */
export function changeJson(change: MessageChange, author: string): string {
  const { id, time, clientId } = change;
  const named = clientId === null ? '' : `,"client_id":${quoted(clientId)}`;
  const end = `,"author":{"id":${change.authorId},"name":${author}},"time":"${isoTime(time)}"${named}}`;
  switch (change.kind) {
    case 'message_edited':
      return `${changeHead('edited', id, change)},"text":${quoted(change.text)},"version":${change.version}${end}`;
    case 'message_deleted':
      return `${changeHead('deleted', id, change)}${end}`;
    case 'reaction_changed': {
      const { emoji, count, isOn } = change;
      return `${changeHead('reaction', id, change)},"emoji":"${emoji}","count":${count},"on":${isOn}${end}`;
    }
  }
}

/** The answer to a change that was made before: what told of it, on the asking socket only. */
export function madeBeforeJson(change: string): string {
  return `${change.slice(0, -1)},"duplicate":true}`;
}

/**
 * A message of before as it is now, but for its reactions, under the id and the time of its newest change, by which a client
 * resumes. `name` gives the names of users as `authorName` does.
 */
export function changedMessageJson(changed: ChangedMessage, name: (userId: number) => string): string {
  const { id, chatId, authorId, time, message } = changed;
  const of = { chatId, messageId: message.id };
  if (isDeleted(message))
    return changeJson({ kind: 'message_deleted', id, ...of, authorId, time, clientId: null }, name(authorId));
  const { version, editedAt = time } = message.extra ?? {};
  if (version === undefined) return `${changeHead('reactions', id, of)},"time":"${isoTime(time)}"}`;
  const edit = { kind: 'message_edited', id, ...of, text: message.text, version, time } as const;
  const json = changeJson({ ...edit, authorId: message.authorId, clientId: null }, name(message.authorId));
  return `${json.slice(0, -1)},"edited_at":"${isoTime(editedAt)}"}`;
}

/** Puts the reactions into the JSON of a message or a change. `isOwn` tells which of them are the reader's. */
export function withReactions(
  json: string,
  reactions: readonly Reaction[],
  isOwn: (emoji: string) => boolean,
): string {
  return `${json.slice(0, -1)},"reactions":${reactionsJson(reactions, isOwn)}}`;
}

/** The reactions to a message for a reader, as `withReactions` has them. */
export function reactionsJson(reactions: readonly Reaction[], isOwn: (emoji: string) => boolean): string {
  const list = reactions.map(
    ({ emoji, count }) => `{"emoji":"${emoji}","count":${count},"me":${isOwn(emoji)}}`,
  );
  return `[${list.join(',')}]`;
}

/** `messages` are JSON already, oldest first. `readId` is how far the reader has read, for those who ask for changes. */
export function historyJson(messages: readonly string[], more: boolean, readId?: number): string {
  const read = readId === undefined ? '' : `,"read_id":${readId}`;
  if (messages.length === 0) return `{"type":"history","messages":[],"error":"no messages"${read}}`;
  return `{"type":"history","messages":[${messages.join(',')}]${more ? ',"more":true' : ''}${read}}`;
}

/** Tells a user's own sockets how far the user has read a chat. */
export function readJson(chatId: number, readId: number): string {
  return `{"type":"read","chat_id":${chatId},"read_id":${readId}}`;
}

/** Tells the members of a chat who has read how far, by user. */
export function seenJson(chatId: number, readIds: ReadonlyMap<number, number>): string {
  const users = [...readIds].map(([id, readId]) => `{"id":${id},"read_id":${readId}}`);
  return `{"type":"seen","chat_id":${chatId},"users":[${users.join(',')}]}`;
}

export function typingJson(chatId: number, userId: number, name: string, on: boolean): string {
  return `{"type":"${on ? 'typing' : 'stop_typing'}","chat_id":${chatId},"author":{"id":${userId},"name":${name}}}`;
}

/** A frame that was refused. `clientId` tells the client which one it was, when the frame had one. */
export function errorJson(error: ChatError, clientId?: string): string {
  return JSON.stringify({
    type: 'error',
    code: error.code,
    error: error.message,
    ...(error.details && { details: error.details }),
    ...(clientId !== undefined && { client_id: clientId }),
  } satisfies ErrorFrame);
}

/** The answer to a ping. */
export function pongJson({ id }: PingFrame): string {
  return JSON.stringify({ type: 'pong', ...(id !== undefined && { id }) } satisfies PongFrame);
}

/** A name as JSON, to be kept beside the profile that it belongs to. */
export function authorName(name: string): string {
  return JSON.stringify(name);
}

/** The path of a photo; null when there is none. */
export function photoPathOf(
  of: 'user' | 'group',
  { id, photo }: { readonly id: number; readonly photo: string | null },
): string | null {
  return photo && `${BASE}/${of}/${id}/photo`;
}

/** A profile, as the API shows it, but for what is signed for its viewer. */
export function profileView(user: User): Omit<z.input<typeof UserView>, 'photo_url'> {
  const { id, name, username, description } = user;
  return { id, name, username, description, photo: photoPathOf('user', user) };
}

/** A group, as the API shows it to a viewer for whom the link to its photo is signed. */
export function groupView(group: Chat, photoUrl: string | null): z.input<typeof GroupInfo> {
  const { id, name, description, ownerId, membersCount } = group;
  return {
    id,
    name,
    description,
    photo: photoPathOf('group', group),
    photo_url: photoUrl,
    owner_id: ownerId,
    users_count: membersCount,
  };
}

function head(message: Message, type: string, author: string, quote: Quote | undefined): string {
  const clientId = message.clientId === null ? '' : `,"client_id":${quoted(message.clientId)}`;
  const extra = message.extra === undefined ? '' : extraJson(message.extra, quote);
  return (
    `{"id":${message.id},"chat_id":${message.chatId},"type":"${type}","text":${quoted(message.text)}` +
    `,"author":{"id":${message.authorId},"name":${author}},"time":"${isoTime(message.time)}"${clientId}${extra}`
  );
}

function extraJson({ replyTo, mentions, version, editedAt }: MessageExtra, quote: Quote | undefined): string {
  let json = '';
  if (replyTo !== undefined) json += `,"reply_to":${replyTo}`;
  if (quote !== undefined) {
    const { text, authorId, authorName: name } = quote;
    json += `,"quote":{"text":${quoted(text)},"author":{"id":${authorId},"name":${authorName(name)}}}`;
  }
  if (mentions !== undefined) json += `,"mentions":${JSON.stringify(mentions)}`;
  if (version !== undefined && editedAt !== undefined)
    json += `,"version":${version},"edited_at":"${isoTime(editedAt)}"`;
  return json;
}

/** The place of a deleted message. */
function tombstoneJson({ id, chatId, authorId, time, clientId }: Message, author: string): string {
  const named = clientId === null ? '' : `,"client_id":${quoted(clientId)}`;
  return (
    `{"id":${id},"chat_id":${chatId},"type":"message","deleted":true` +
    `,"author":{"id":${authorId},"name":${author}},"time":"${isoTime(time)}"${named}}`
  );
}

function changeHead(
  type: string,
  id: number,
  { messageId, chatId }: { readonly messageId: number; readonly chatId: number },
): string {
  return `{"id":${id},"type":"${type}","message_id":${messageId},"chat_id":${chatId}`;
}

/** Matches any character that JSON escapes, and any that is not ASCII. */
const TO_ESCAPE = /[^ !#-[\]-~]/;

/** A text as JSON. To look whether there is anything to escape takes half of the time of JSON.stringify. */
function quoted(text: string): string {
  return TO_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

const DAY_MS = 86_400_000;
/** Midnight of the day that was asked for last, and how its times begin: `2026-01-31T`. */
let day = { begin: 0, head: new Date(0).toISOString().slice(0, 11) };

/** ISO 8601 with milliseconds, UTC. A Date would cost as much as the rest of a message's frame. */
export function isoTime(ms: number): string {
  const begin = ms - (((ms % DAY_MS) + DAY_MS) % DAY_MS);
  if (begin !== day.begin) day = { begin, head: new Date(ms).toISOString().slice(0, 11) };
  const inDay = ms - begin;
  const seconds = Math.floor(inDay / 1000);
  const minutes = Math.floor(seconds / 60);
  const time = `${DIGITS[Math.floor(minutes / 60)]}:${DIGITS[minutes % 60]}:${DIGITS[seconds % 60]}`;
  return `${day.head}${time}.${String(1000 + (inDay % 1000)).slice(1)}Z`;
}

/** 00 … 59 */
const DIGITS = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));
