import type { Case } from './case.js';
import { frame, Op, ping, pong, say, text } from './frame.js';

const HELLO = say('hello');
const hexOf = (payload: string | Uint8Array) => Buffer.from(payload).toString('hex');
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

/** 5.5.2: a ping is answered with a pong of the same payload. */
const sizes: Case[] = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 63, 64, 123, 124, 125].map((bytes) => ({
  what: `a ping of ${bytes} bytes`,
  section: '5.5.2',
  sends: [ping(everyByte.subarray(0, bytes))],
  manners: ['in one write', 'byte by byte'],
  gets: [`pong ${hexOf(everyByte.subarray(0, bytes))}`.trimEnd()],
}));

const payloads: Case[] = [
  ...[
    ['bytes from 80 to fc', everyByte.subarray(128, 253)],
    ['bytes from ff down', Buffer.from(everyByte.subarray(131)).reverse()],
    ['what would be no UTF-8', Buffer.from([0xc3, 0x28, 0xed, 0xa0, 0x80])],
    ['what would be a message', HELLO],
    ['what would be a frame', text('x')],
  ].map(
    ([what, payload]): Case => ({
      what: `a ping of ${what}`,
      section: '5.5.2',
      sends: [ping(payload ?? '')],
      gets: [`pong ${hexOf(payload ?? '')}`],
    }),
  ),
];

const tooLong: Case[] = (['ping', 'pong'] as const).flatMap((name): Case[] =>
  [126, 127, 65_535, 65_536].map((bytes) => ({
    what: `a ${name} of ${bytes} bytes`,
    section: '5.5',
    sends: [frame({ opcode: Op[name], payload: Buffer.alloc(bytes, 'p') })],
    gets: ['fails 1002'],
  })),
);

const pongs: Case[] = [0, 1, 4, 124, 125].map((bytes) => ({
  what: `a pong of ${bytes} bytes that nobody asked for`,
  section: '5.5.3',
  sends: [pong(everyByte.subarray(0, bytes))],
  manners: ['in one write', 'byte by byte'],
  gets: [],
}));

const many: Case[] = [
  {
    what: 'three pings in one write',
    section: '5.5.2',
    sends: [ping('a'), ping('b'), ping('c')],
    gets: ['pong 61', 'pong 62', 'pong 63'],
  },
  {
    what: '50 pings in one write',
    section: '5.5.2',
    sends: Array.from({ length: 50 }, (_, n) => ping(`${n}`)),
    gets: Array.from({ length: 50 }, (_, n) => `pong ${hexOf(`${n}`)}`),
  },
  {
    what: 'pings and pongs by turns',
    section: '5.5.3',
    sends: [ping('a'), pong('a'), ping('b'), pong('b')],
    gets: ['pong 61', 'pong 62'],
  },
];

export const pings: readonly Case[] = [...sizes, ...payloads, ...tooLong, ...pongs, ...many];
