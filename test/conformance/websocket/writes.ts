import { FRAME_BYTES_MAX } from '../../../src/api/frames.js';
import type { Case } from './case.js';
import {
  binary,
  close,
  continuation,
  fragments,
  frame,
  NO_FIN,
  ping,
  pong,
  say,
  sayIn,
  text,
} from './frame.js';

const HELLO = say('hello');
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `${n}`);

/** TCP knows no frames: they come in any pieces. */
const pieces: Case[] = [
  { what: 'a short message', sends: [text(HELLO)], gets: ['message hello'] },
  { what: 'a message of 126 bytes', sends: [text(sayIn(126, 'hello'))], gets: ['message hello'] },
  { what: 'an empty frame', sends: [text('')], gets: ['error invalid_frame'] },
  { what: 'a binary frame', sends: [binary(HELLO)], gets: ['error invalid_frame'] },
  { what: 'a ping', sends: [ping('hello')], gets: ['pong 68656c6c6f'] },
  {
    what: 'three frames',
    sends: [ping('a'), text(HELLO), ping('b')],
    gets: ['pong 61', 'message hello', 'pong 62'],
  },
  {
    what: 'a message in three fragments with a ping and a pong between them',
    sends: [text('{"type":', NO_FIN), ping('p'), continuation('"message",', NO_FIN), pong('q')].concat(
      continuation('"text":"hello"}'),
    ),
    gets: ['pong 70', 'message hello'],
  },
  { what: 'a reserved bit', sends: [text(HELLO, { rsv: 4 })], gets: ['fails 1002'] },
  { what: 'an unknown opcode', sends: [frame({ opcode: 3, payload: HELLO })], gets: ['fails 1002'] },
  { what: 'a close frame', sends: [close(1000, 'bye')], gets: ['close 1000 bye'] },
].map((row) => ({ section: '5.2', manners: ['byte by byte', 'cut at every place'], ...row }));

/** Only as far as the head goes: the rest in pieces of a size that fits nothing. */
function headByByte(bytes: Buffer, headBytes: number): Buffer[] {
  const head = Array.from(bytes.subarray(0, headBytes), (byte) => Buffer.from([byte]));
  const rest = bytes.subarray(headBytes);
  const count = Math.ceil(rest.length / 4099);
  return [...head, ...Array.from({ length: count }, (_, n) => rest.subarray(n * 4099, (n + 1) * 4099))];
}

const large: Case[] = [
  {
    what: `${FRAME_BYTES_MAX} bytes in many writes`,
    sends: headByByte(text(sayIn(FRAME_BYTES_MAX, 'hello')), 8),
    gets: ['message hello'],
  },
  {
    what: '65535 bytes in many writes',
    sends: headByByte(text(sayIn(65_535, 'hello')), 8),
    gets: ['close 1009 frame too big'],
  },
  {
    what: '65536 bytes, with a length of 64 bits, in many writes',
    sends: headByByte(text(sayIn(65_536, 'hello')), 14),
    gets: ['close 1009 frame too big'],
  },
  {
    what: `${FRAME_BYTES_MAX} bytes in 7 fragments in many writes`,
    sends: fragments(
      sayIn(FRAME_BYTES_MAX, 'hello'),
      [1, 2, 3, 4, 5, 6].map((n) => n * 8779),
    ).flatMap((fragment) => headByByte(fragment, 8)),
    gets: ['message hello'],
  },
].map((row) => ({ section: '5.2', manners: ['frame by frame'], ...row }));

/** Several frames in one write are several frames. */
const together: Case[] = [
  ...[2, 10, 50].map((count) => ({
    what: `${count} messages`,
    sends: numbered(count).map((words) => text(say(words))),
    gets: numbered(count).map((words) => `message ${words}`),
  })),
  {
    what: 'messages whose echoes have every length about 125 bytes',
    sends: Array.from({ length: 40 }, (_, n) => text(say('e'.repeat(n + 1)))),
    gets: Array.from({ length: 40 }, (_, n) => `message ${'e'.repeat(n + 1)}`),
  },
  {
    what: 'three messages of more than 16 KiB',
    sends: numbered(3).map((words) => text(sayIn(20_000, words))),
    gets: ['message 0', 'message 1', 'message 2'],
  },
  {
    what: 'good and bad ones by turns',
    sends: [text('no'), text(HELLO), binary('no'), text('{}'), text(say('again'))],
    gets: [
      'error invalid_frame',
      'error invalid_frame',
      'error unknown_type',
      'message hello',
      'message again',
    ],
  },
  {
    what: 'a message and a frame that fails, of which the message is kept',
    sends: [text(HELLO), frame({ rsv: 1 })],
    gets: ['fails 1002'],
    stored: ['hello'],
  },
  {
    what: 'a message, text that is none, and a message that comes too late',
    sends: [text(HELLO), text(Buffer.from([0xff])), text(say('late'))],
    gets: ['fails 1007'],
    stored: ['hello'],
  },
  {
    what: 'a message over 60 KiB and one that comes too late',
    sends: [text(sayIn(FRAME_BYTES_MAX + 1, 'big')), text(say('late'))],
    gets: ['close 1009 frame too big'],
  },
  {
    what: 'a ping and a frame that fails',
    sends: [ping('hi'), frame({ rsv: 1 })],
    gets: ['pong 6869', 'fails 1002'],
    deviates: { as: 'answers go down with a cut', gets: ['cut'] } as const,
  },
  {
    what: 'a frame that fails and a message that comes too late',
    sends: [frame({ opcode: 3 }), text(HELLO)],
    gets: ['fails 1002'],
  },
  {
    what: 'a message and half of the next one',
    sends: [text(HELLO), text(say('again')).subarray(0, 11), text(say('again')).subarray(11)],
    gets: ['message hello', 'message again'],
  },
].map((row) => ({ section: '5.2', ...row, what: `${row.what} in one write` }));

export const writes: readonly Case[] = [...pieces, ...large, ...together];
