import { ChatError } from '../chat/errors.js';
import { AuthFrame, messageFrame, PingFrame, type TypingSignal } from './frames.js';
import { parseJson } from './json.js';
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
  const parsed = AuthFrame.safeParse(frame);
  if (!parsed.success) throw fieldError(parsed.error);
  return parsed.data.token;
}

/** A `ping` frame; undefined when the frame has another type. Errors: invalid_field. */
export function pingIn(frame: Readonly<Record<string, unknown>>): PingFrame | undefined {
  if (frame['type'] !== 'ping') return undefined;
  const parsed = PingFrame.safeParse(frame);
  if (!parsed.success) throw fieldError(parsed.error);
  return parsed.data;
}

/** Makes the reader of what a chat's socket takes beside `auth` and `ping`. Errors of the reader: unknown_type, invalid_field. */
export function frameReader(textCharactersMax: number) {
  const MessageFrame = messageFrame(textCharactersMax);

  return (frame: Readonly<Record<string, unknown>>) => {
    const { type } = frame;
    if (type === 'typing' || type === 'stop_typing') return { type } satisfies TypingSignal;
    if (type !== 'message') throw new ChatError('unknown_type');
    const parsed = MessageFrame.safeParse(frame);
    if (!parsed.success) throw fieldError(parsed.error);
    return parsed.data;
  };
}
