import { ENGINE_FRAME_BYTES_MAX, FRAME_BYTES_MAX } from '../../../src/api/frames.js';
import type { Case } from './case.js';
import { binary, close, frame, ping, say, sayIn, text } from './frame.js';

const TOO_BIG = 'close 1009 frame too big';

/** 5.2: 7 bits up to 125, 16 bits up to 65,535, 64 bits above; the contract ends at 60 KiB, the engine at 64. */
const TAKEN = [
  50,
  124,
  125,
  126,
  127,
  128,
  255,
  256,
  257,
  4095,
  4096,
  16_383,
  16_384,
  32_767,
  32_768,
  FRAME_BYTES_MAX - 1,
  FRAME_BYTES_MAX,
];
const REFUSED = [FRAME_BYTES_MAX + 1, 65_534, 65_535, ENGINE_FRAME_BYTES_MAX];
const CUT = [ENGINE_FRAME_BYTES_MAX + 1, ENGINE_FRAME_BYTES_MAX + 126, 2 * ENGINE_FRAME_BYTES_MAX];

const short: Case[] = [
  { what: 'a text frame of 0 bytes', section: '5.2', sends: [text('')], gets: ['error invalid_frame'] },
  { what: 'a text frame of 1 byte', section: '5.2', sends: [text('7')], gets: ['error invalid_frame'] },
  { what: 'a text frame of 2 bytes', section: '5.2', sends: [text('{}')], gets: ['error unknown_type'] },
  { what: 'a binary frame of 0 bytes', section: '5.2', sends: [binary('')], gets: ['error invalid_frame'] },
  {
    what: 'a binary frame that holds a message',
    section: '5.6',
    sends: [binary(say('hello'))],
    gets: ['error invalid_frame'],
  },
  {
    what: 'a binary frame that is no UTF-8',
    section: '5.6',
    sends: [binary(Buffer.from([0xff, 0xfe, 0x00]))],
    gets: ['error invalid_frame'],
  },
  ...[126, 65_535, 65_536].map(
    (bytes): Case => ({
      what: `a binary frame of ${bytes} bytes`,
      section: '5.2',
      sends: [binary(Buffer.alloc(bytes, 0x80))],
      gets: [bytes > FRAME_BYTES_MAX ? TOO_BIG : 'error invalid_frame'],
    }),
  ),
];

const bounds: Case[] = [
  ...TAKEN.map((bytes) => ({ bytes, gets: ['message hello'] })),
  ...REFUSED.map((bytes) => ({ bytes, gets: [TOO_BIG] })),
  ...CUT.map((bytes) => ({ bytes, gets: ['fails 1009'] })),
].map(({ bytes, gets }) => ({
  what: `a message of ${bytes} bytes`,
  section: gets[0] === 'fails 1009' ? '10.4' : '5.2',
  sends: [text(sayIn(bytes, 'hello'))],
  gets,
}));

/** A length without what it promises; those of 32 bits and more are there for whoever counts in fewer. */
const PROMISED: [length: bigint, gets: string][] = [
  [BigInt(ENGINE_FRAME_BYTES_MAX) + 1n, 'fails 1009'],
  [2n ** 31n - 1n, 'fails 1009'],
  [2n ** 31n, 'fails 1009'],
  [2n ** 32n - 1n, 'fails 1009'],
  [2n ** 32n, 'fails 1009'],
  [2n ** 32n + 28n, 'fails 1009'],
  [2n ** 53n, 'fails 1009'],
  [2n ** 63n - 1n, 'fails 1009'],
  [2n ** 63n, 'fails 1002'],
  [2n ** 63n + 28n, 'fails 1002'],
  [2n ** 64n - 14n, 'fails 1002'],
  [2n ** 64n - 1n, 'fails 1002'],
];

const promised: Case[] = PROMISED.map(([length, fails]) => ({
  what: `a length of ${length}${fails === 'fails 1002' ? ', whose top bit is set,' : ''} before 28 bytes`,
  section: '5.2',
  sends: [text(say('x'), { length, lengthBits: 64 })],
  gets: [fails],
}));

/** 5.2: the minimal number of bytes must be used. */
const LONGER: [bytes: number, lengthBits: 16 | 64, taken: string][] = [
  [0, 16, 'error invalid_frame'],
  [0, 64, 'error invalid_frame'],
  [50, 16, 'message hello'],
  [50, 64, 'message hello'],
  [125, 16, 'message hello'],
  [125, 64, 'message hello'],
  [126, 64, 'message hello'],
  [FRAME_BYTES_MAX, 64, 'message hello'],
  [65_535, 64, TOO_BIG],
];

const longer: Case[] = [
  ...LONGER.map(
    ([bytes, lengthBits, taken]): Case => ({
      what: `${bytes} bytes with a length of ${lengthBits} bits`,
      section: '5.2',
      sends: [text(bytes === 0 ? '' : sayIn(bytes, 'hello'), { lengthBits })],
      gets: ['fails 1002'],
      deviates: { as: 'longer length is taken', gets: [taken] },
    }),
  ),
  ...([16, 64] as const).flatMap((lengthBits): Case[] => [
    {
      what: `a ping of 2 bytes with a length of ${lengthBits} bits`,
      section: '5.5',
      sends: [ping('hi', { lengthBits })],
      gets: ['fails 1002'],
    },
    {
      what: `a close frame with a length of ${lengthBits} bits`,
      section: '5.5',
      sends: [close(1000, '', { lengthBits })],
      gets: ['fails 1002'],
    },
  ]),
  {
    what: 'a length of 16 bits that is 0 before another frame',
    section: '5.2',
    sends: [frame({ lengthBits: 16 }), text(say('hello'))],
    gets: ['fails 1002'],
    deviates: { as: 'longer length is taken', gets: ['error invalid_frame', 'message hello'] },
  },
];

export const lengths: readonly Case[] = [...short, ...bounds, ...promised, ...longer];
