import { textOf } from '../targets/population.js';
import { textFrame } from './frames.js';

/** Digits of the number that every message carries at its end; it is how a client knows its own. */
export const NUMBER_DIGITS = 16;

/** How a server is talked to. Payloads have the same size whoever delivers them, to within a few bytes. */
export interface Dialect {
  /** Sent when the upgrade is answered. */
  readonly greeting: Buffer | undefined;
  /** The socket is live as soon as the upgrade is answered. */
  readonly readyWithUpgrade?: true;
  /** Whether this frame says that the socket is live. Only the beginning and the end of a long frame are passed. */
  isReady(payload: string): boolean;
  /** Where the number ends: so many bytes before the payload's end. */
  readonly numberEndsBefore: number;
  /** A payload is a message when it has this byte at this index. */
  readonly mark: { readonly at: number; readonly byte: number };
  /** A message's frame for a chat; the number's digits are to be written into it. */
  message(chat: number, text: string): { readonly frame: Buffer; readonly digitsAt: number };
  /** What keeps the connection: the answer to a frame, if it is such a question. */
  answer(payload: string): Buffer | undefined;
}

export type DialectName = 'parley' | 'parley main' | 'parley main changes' | 'plain' | 'socket.io';

const ZEROS = '0'.repeat(NUMBER_DIGITS);

function withNumber(json: string): { frame: Buffer; digitsAt: number } {
  const frame = textFrame(Buffer.from(json));
  return { frame, digitsAt: frame.lastIndexOf(ZEROS) };
}

const parley: Dialect = {
  greeting: undefined,
  isReady: (payload) => payload.startsWith('{"type":"history"') && !payload.endsWith('"more":true}'),
  numberEndsBefore: '"}'.length,
  mark: { at: '{"'.length, byte: 'i'.charCodeAt(0) },
  message: (_chat, text) => withNumber(JSON.stringify({ type: 'message', text, client_id: ZEROS })),
  answer: () => undefined,
};

/** Sockets of `/main`, which say nothing until there is news. */
const parleyMain: Dialect = { ...parley, readyWithUpgrade: true };

/** Sockets of `/main?features=1`, which carry everything of all chats. */
const parleyMainChanges: Dialect = {
  ...parley,
  isReady: (payload) => payload.startsWith('{"type":"unread"'),
  message: (chat, text) =>
    withNumber(JSON.stringify({ type: 'message', chat_id: chat, text, client_id: ZEROS })),
  // Where to resume; nothing is to be sent.
  answer: (payload) => (payload.startsWith('{"type":"cursor"') ? Buffer.alloc(0) : undefined),
};

/** A server that echoes what it gets, so it gets what parley would deliver. */
const plain: Dialect = {
  ...parley,
  isReady: (payload) => payload === '{"type":"ready"}',
  message: (chat, text) =>
    withNumber(
      JSON.stringify({
        id: 10_000_000,
        chat_id: chat,
        type: 'message',
        text,
        author: { id: 1000, name: 'User 1000' },
        time: '2026-01-01T12:00:00.000Z',
        client_id: ZEROS,
      }),
    ),
};

/** Engine.IO's and Socket.IO's own packets, over a WebSocket from the start. */
const socketIo: Dialect = {
  greeting: textFrame(Buffer.from('40')),
  isReady: (payload) => payload === '42["ready"]',
  numberEndsBefore: '"}]'.length,
  mark: { at: '42["'.length, byte: 'm'.charCodeAt(0) },
  message: (_chat, text) => withNumber(`42["message",${JSON.stringify({ text, client_id: ZEROS })}]`),
  answer: (payload) => (payload === '2' ? textFrame(Buffer.from('3')) : undefined),
};

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  parley,
  'parley main': parleyMain,
  'parley main changes': parleyMainChanges,
  plain,
  'socket.io': socketIo,
};

/** A message of 100 characters. */
export const TEXT = textOf(0);
