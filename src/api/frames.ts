import { z } from 'zod';
import type { ChatType } from '../chat/chats.js';
import { ChatError } from '../chat/errors.js';
import type { Message } from '../chat/messages.js';
import { ClientId, utterance } from '../chat/text.js';
import { fieldError } from './fields.js';
import { parseJson } from './json.js';

/**
 * The frames, out and in. What the server sends is spliced by hand: JSON.stringify of the whole object
 * costs three times as much, and every message is encoded once for all who hear it.
 */
export interface Author {
  readonly id: number;
  readonly name: string;
}

/** Bounds of one frame from a client: over the first, 1009; the engine cuts the connection over the second. */
export const FRAME_BYTES_MAX = 60 * 1024;
export const ENGINE_FRAME_BYTES_MAX = 64 * 1024;
/** Bound of one history frame. */
export const HISTORY_BYTES_MAX = 256 * 1024;

/** A Message as in history, chat lists and live frames. */
export function messageJson(message: Message, author: string): string {
  return `${head(message, 'message', author)}}`;
}

/** The `last_message` frame of main sockets. */
export function lastMessageJson(message: Message, author: string, chatType: ChatType): string {
  return `${head(message, 'last_message', author)},"chat_type":"${chatType}"}`;
}

/** An author's name as it stands in JSON, to be kept beside the profile. */
export function authorName(name: string): string {
  return JSON.stringify(name);
}

function head(message: Message, type: string, author: string): string {
  const clientId = message.clientId === null ? '' : `,"client_id":${quoted(message.clientId)}`;
  return (
    `{"id":${message.id},"chat_id":${message.chatId},"type":"${type}","text":${quoted(message.text)}` +
    `,"author":{"id":${message.authorId},"name":${author}},"time":"${isoTime(message.time)}"${clientId}`
  );
}

/** Anything but ASCII that stands for itself in JSON. */
const TO_ESCAPE = /[^ !#-[\]-~]/;

/** A text as JSON. To look whether there is anything to escape takes half of the time of JSON.stringify. */
function quoted(text: string): string {
  return TO_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

const DAY_MS = 86_400_000;
/** Midnight of the day that was asked for last, and how its times begin: `2026-01-31T`. */
let day = { begin: 0, head: new Date(0).toISOString().slice(0, 11) };

/** ISO 8601 with milliseconds, UTC. By Date, each would cost as much as the rest of its message's frame. */
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

/** The answer to a repeated `client_id`: the first message again, on the asking socket only. */
export function duplicateJson(message: Message, author: string): string {
  return `${head(message, 'message', author)},"duplicate":true}`;
}

/** `messages` are already JSON, oldest first. */
export function historyJson(messages: readonly string[], more: boolean): string {
  if (messages.length === 0) return '{"type":"history","messages":[],"error":"no messages"}';
  return `{"type":"history","messages":[${messages.join(',')}]${more ? ',"more":true' : ''}}`;
}

export function typingJson(chatId: number, userId: number, name: string, on: boolean): string {
  return `{"type":"${on ? 'typing' : 'stop_typing'}","chat_id":${chatId},"author":{"id":${userId},"name":${name}}}`;
}

/** A frame that was refused; `clientId` tells which one it was when the client gave it one. */
export function errorJson(error: ChatError, clientId?: string): string {
  return JSON.stringify({
    type: 'error',
    code: error.code,
    error: error.message,
    ...(error.details && { details: error.details }),
    ...(clientId !== undefined && { client_id: clientId }),
  });
}

const AuthFrame = z.object({ type: z.literal('auth'), token: z.string() });

/** The new token that a frame brings; undefined when it is none that brings one. Errors: invalid_field. */
export function newTokenIn(frame: Readonly<Record<string, unknown>>): string | undefined {
  if (frame['type'] !== 'auth') return undefined;
  const parsed = AuthFrame.safeParse(frame);
  if (!parsed.success) throw fieldError(parsed.error);
  return parsed.data.token;
}

export type ClientFrame =
  | { readonly type: 'message'; readonly text: string; readonly client_id?: string | undefined }
  | { readonly type: 'typing' }
  | { readonly type: 'stop_typing' };

/** Any JSON object. Errors: invalid_frame. */
export function parseFrame(json: string): Readonly<Record<string, unknown>> {
  const frame = parseJson(json, 'invalid_frame');
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame))
    throw new ChatError('invalid_frame');
  return frame as Record<string, unknown>;
}

/**
 * Makes the reader of what a chat's socket takes. `author` in a frame is ignored: the token says who speaks.
 * Errors: unknown_type, invalid_field.
 */
export function frameReader(textCharactersMax: number) {
  const MessageFrame = z.object({
    type: z.literal('message'),
    text: utterance(textCharactersMax),
    client_id: ClientId.optional(),
  });

  return (frame: Readonly<Record<string, unknown>>): ClientFrame => {
    const { type } = frame;
    if (type === 'typing' || type === 'stop_typing') return { type };
    if (type !== 'message') throw new ChatError('unknown_type');
    const parsed = MessageFrame.safeParse(frame);
    if (!parsed.success) throw fieldError(parsed.error);
    return parsed.data;
  };
}
