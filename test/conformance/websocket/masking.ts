import type { Case } from './case.js';
import { binary, close, continuation, MASK_KEY, NO_FIN, ping, pong, say, sayIn, text } from './frame.js';

const HELLO = say('hello');
const UNMASKED = { maskBit: false } as const;

const KEYS: [what: string, key: readonly number[]][] = [
  ['of zeros', [0, 0, 0, 0]],
  ['of ones', [0xff, 0xff, 0xff, 0xff]],
  ['of four different bytes', [1, 2, 3, 4]],
  ['that makes all of the first bytes zeros', [...Buffer.from(HELLO.slice(0, 4))]],
  ['that looks like a frame', [...text('').subarray(0, 4)]],
];

/** 5.3: any key will do, and the server's frames have none. */
const keys: Case[] = [
  ...KEYS.flatMap(([what, key]): Case[] => [
    {
      what: `a key ${what}`,
      section: '5.3',
      sends: [text(HELLO, { key }), ping('hello', { key })],
      manners: ['in one write', 'byte by byte'],
      gets: ['message hello', 'pong 68656c6c6f'],
    },
  ]),
  ...[60, 61, 62, 63, 126, 127].map(
    (bytes): Case => ({
      what: `a message of ${bytes} bytes, ${bytes % 4} of them after the last whole key`,
      section: '5.3',
      sends: [text(sayIn(bytes, 'hello'))],
      manners: ['in one write', 'cut at every place'],
      gets: ['message hello'],
    }),
  ),
  {
    what: 'another key for each fragment',
    section: '5.3',
    sends: [
      text(HELLO.slice(0, 5), { ...NO_FIN, key: [9, 8, 7, 6] }),
      continuation(HELLO.slice(5, 11), { ...NO_FIN, key: [0, 0, 0, 0] }),
      continuation(HELLO.slice(11), { key: MASK_KEY }),
    ],
    manners: ['in one write', 'byte by byte'],
    gets: ['message hello'],
  },
];

/** 5.1: a server must close the connection upon a frame that is not masked. */
const unmasked: Case[] = [
  { what: 'a text frame', sends: [text(HELLO, UNMASKED)], engine: ['message hello'] },
  { what: 'a text frame of 126 bytes', sends: [text(sayIn(126, 'hi'), UNMASKED)], engine: ['message hi'] },
  {
    what: 'a text frame of 61440 bytes',
    sends: [text(sayIn(61_440, 'hi'), UNMASKED)],
    engine: ['message hi'],
  },
  { what: 'a binary frame', sends: [binary(HELLO, UNMASKED)], engine: ['error invalid_frame'] },
  {
    what: 'a continuation',
    sends: [text(HELLO.slice(0, 9), NO_FIN), continuation(HELLO.slice(9), UNMASKED)],
    engine: ['message hello'],
  },
  { what: 'an empty ping', sends: [ping('', UNMASKED)], engine: ['pong'] },
  { what: 'a ping', sends: [ping('hi', UNMASKED)], engine: ['pong 6869'] },
  { what: 'a pong', sends: [pong('hi', UNMASKED)], engine: [] },
  { what: 'an empty close frame', sends: [close(undefined, '', UNMASKED)], engine: ['close'] },
  { what: 'a close frame', sends: [close(1000, 'bye', UNMASKED)], engine: ['close 1000 bye'] },
].map(
  ({ what, sends, engine }): Case => ({
    what: `${what} without its mask bit`,
    section: '5.1',
    sends,
    gets: ['fails 1002'],
    deviates: { as: 'mask bit is not read', gets: engine },
  }),
);

/** What a peer that really does not mask comes to: its first four bytes are the key of the rest. */
const plain: Case[] = [
  {
    what: 'a frame without mask or key, with a masked one after it',
    section: '5.1',
    sends: [Buffer.from([0x89, 0x00]), Buffer.from([0, 0, 0, 0]), text(HELLO)],
    gets: ['fails 1002'],
    deviates: { as: 'mask bit is not read', gets: ['pong', 'message hello'] },
  },
  {
    what: 'a text frame without mask or key whose rest never comes',
    section: '5.1',
    sends: [Buffer.concat([Buffer.from([0x81, HELLO.length]), Buffer.from(HELLO)])],
    leaves: true,
    gets: ['fails 1002'],
    deviates: { as: 'mask bit is not read', gets: ['cut'] },
  },
];

export const masking: readonly Case[] = [...keys, ...unmasked, ...plain];
