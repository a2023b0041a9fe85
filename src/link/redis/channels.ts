import { z } from 'zod';
import type { Typing } from '../bus.js';

/** No payload of parley is longer. */
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

/** The names of the channels of one database. No other prefix or database shares them. */
export class Channels {
  /** Carries the newest id of the log. */
  readonly log: string;
  readonly #chats: string;

  constructor(prefix: string, databaseId: string) {
    this.log = `${prefix}${databaseId}:log`;
    this.#chats = `${prefix}${databaseId}:chat:`;
  }

  /** Carries the typing signals of one chat. */
  chat(chatId: number): string {
    return `${this.#chats}${chatId}`;
  }
}

/** Returns the id that a hint carries, or undefined for any other payload: any program may publish here. */
export function parseHint(payload: unknown): number | undefined {
  const text = textOf(payload);
  const id = text !== undefined && /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(id) ? id : undefined;
}

/** Returns the signal that a payload carries, or undefined for any other payload. */
export function parseTyping(payload: unknown): Typing | undefined {
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
