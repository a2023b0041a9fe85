import type { z } from 'zod';
import { ChatError } from '../chat/errors.js';
import type { View } from '../chat/messages.js';
import {
  AuthFrame,
  type ChangeFrame,
  DeleteFrame,
  editFrame,
  type MessageFrame,
  messageFrame,
  PingFrame,
  ReactFrame,
  ReadSignal,
  type TypingSignal,
} from './frames.js';
import { parseJson } from './json.js';
import { HistoryRequest, InChat } from './main-frames.js';
import { fieldError } from './refusal.js';

/** Any JSON object. Errors: invalid_frame. */
export function parseFrame(json: string): Readonly<Record<string, unknown>> {
  const frame = parseJson(json, 'invalid_frame');
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame))
    throw new ChatError('invalid_frame');
  return frame as Record<string, unknown>;
}

/** The new token of an `auth` frame; undefined when the frame has another type. Errors: invalid_field. */
export function newTokenIn(frame: Readonly<Record<string, unknown>>): string | undefined {
  if (frame['type'] !== 'auth') return undefined;
  return parsed(AuthFrame, frame).token;
}

/** A `ping` frame; undefined when the frame has another type. Errors: invalid_field. */
export function pingIn(frame: Readonly<Record<string, unknown>>): PingFrame | undefined {
  if (frame['type'] !== 'ping') return undefined;
  return parsed(PingFrame, frame);
}

/** A question for the history of a chat; undefined when the frame has another type. Errors: invalid_field. */
export function historyRequestIn(frame: Readonly<Record<string, unknown>>): HistoryRequest | undefined {
  return frame['type'] === 'history' ? parsed(HistoryRequest, frame) : undefined;
}

/** The chat that a frame of a main socket is for. Errors: invalid_field. */
export function chatIdIn(frame: Readonly<Record<string, unknown>>): number {
  return parsed(InChat, frame).chat_id;
}

/** What a chat's socket takes beside `auth` and `ping`. */
export type ChatFrame = TypingSignal | MessageFrame | ChangeFrame | z.infer<typeof ReadSignal>;

/**
 * Makes the reader of what a chat's socket takes beside `auth` and `ping`. Frames that change messages are taken in the full
 * view alone. Errors of the reader: unknown_type, invalid_field.
 */
export function frameReader(textCharactersMax: number) {
  const message = messageFrame(textCharactersMax);
  const changes = { edit: editFrame(textCharactersMax), delete: DeleteFrame, react: ReactFrame };

  return (frame: Readonly<Record<string, unknown>>, view: View = 'plain'): ChatFrame => {
    const { type } = frame;
    if (type === 'typing' || type === 'stop_typing') return { type };
    if (type === 'message') return parsed(message, frame);
    if (view === 'full' && (type === 'edit' || type === 'delete' || type === 'react'))
      return parsed<ChangeFrame>(changes[type], frame);
    if (view === 'full' && type === 'read') return parsed(ReadSignal, frame);
    throw new ChatError('unknown_type');
  };
}

/** Errors: invalid_field. */
function parsed<T>(schema: z.ZodType<T>, frame: Readonly<Record<string, unknown>>): T {
  const { success, data, error } = schema.safeParse(frame);
  if (!success) throw fieldError(error);
  return data;
}
