import { z } from 'zod';
import type { Typing } from '../bus.js';

/** What is longer is nothing of ours. */
const PAYLOAD_BYTES_MAX = 512;

const Id = z.int().positive();
const TypingPayload: z.ZodType<Typing> = z.strictObject({
  chatId: Id,
  userId: Id,
  on: z.boolean(),
  worker: z.string().min(1).max(64),
  sequence: z.int().nonnegative(),
  position: z.int().nonnegative(),
});

/** The channels of one database. Another prefix, or another database, has none of them. */
export class Channels {
  /** Carries the newest id of the log, and nothing else. */
  readonly log: string;
  readonly #chats: string;

  constructor(prefix: string, databaseId: string) {
    this.log = `${prefix}${databaseId}:log`;
    this.#chats = `${prefix}${databaseId}:chat:`;
  }

  /** Carries typing in this chat. */
  chat(chatId: number): string {
    return `${this.#chats}${chatId}`;
  }
}

/** The id that a hint carries; undefined when it is no hint: anyone may publish anything. */
export function readHint(payload: unknown): number | undefined {
  const text = textOf(payload);
  const id = text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(id) ? id : undefined;
}

/** The signal that a payload carries; undefined when it carries none. */
export function readTyping(payload: unknown): Typing | undefined {
  const text = textOf(payload);
  if (text === undefined) return undefined;
  try {
    return TypingPayload.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function textOf(payload: unknown): string | undefined {
  return Buffer.isBuffer(payload) && payload.byteLength <= PAYLOAD_BYTES_MAX ? payload.toString() : undefined;
}
