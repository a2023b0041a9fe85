import type { Case } from './case.js';
import { close, frame, NO_FIN, Op, ping, pong, say, text } from './frame.js';

const HELLO = say('hello');
const BOTH = ['in one write', 'frame by frame'] as const;

/** 7.4 and the registry it founded: what an endpoint may send, and what it may not. */
const ECHOED = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 4000, 4001, 4404, 4500, 4999];
const NOT_KNOWN = [1012, 1013, 1014, 3000, 3001, 3500, 3999];
const NOT_TO_BE_SENT = [
  0, 1, 100, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2500, 2999, 5000, 5001, 10_000, 32_768,
  65_535,
];

const codes: Case[] = [
  ...ECHOED.map(
    (code): Case => ({
      what: `the code ${code}`,
      section: '7.4',
      sends: [close(code)],
      gets: [`close ${code}`],
    }),
  ),
  ...NOT_KNOWN.map(
    (code): Case => ({
      what: `the code ${code}`,
      section: '7.4.2',
      sends: [close(code)],
      gets: [`close ${code}`],
      deviates: { as: 'close code is not known', gets: ['close'] },
    }),
  ),
  ...NOT_TO_BE_SENT.map(
    (code): Case => ({
      what: `the code ${code}, which is not to be sent`,
      section: '7.4',
      sends: [close(code)],
      gets: ['fails 1002'],
      deviates: { as: 'wrong close is answered with an empty one', gets: ['close'] },
    }),
  ),
];

const REASONS: [what: string, reason: string][] = [
  ['a reason', 'bye'],
  ['a reason of 123 bytes, the most', 'r'.repeat(123)],
  ['a reason of two-byte characters', 'é'.repeat(61)],
  ['a reason of four-byte characters', '😀'.repeat(30)],
];

const reasons: Case[] = [
  ...REASONS.flatMap(([what, reason]): Case[] => [
    { what, section: '5.5.1', sends: [close(1000, reason)], gets: [`close 1000 ${reason}`] },
  ]),
  {
    what: 'a code of one’s own with a reason',
    section: '5.5.1',
    sends: [close(4321, 'of my own')],
    gets: ['close 4321 of my own'],
  },
  {
    what: 'a reason of 124 bytes',
    section: '5.5',
    sends: [close(1000, 'r'.repeat(124))],
    gets: ['fails 1002'],
  },
  {
    what: 'a code that is not known, with a reason',
    section: '7.4.2',
    sends: [close(3000, 'bye')],
    gets: ['close 3000 bye'],
    deviates: { as: 'close code is not known', gets: ['close'] },
  },
  ...(
    [
      ['ff', [0xff]],
      ['a continuation alone', [0x80]],
      ['half a character', [0x62, 0xc3]],
      ['an overlong character', [0xc0, 0xaf]],
      ['a surrogate', [0xed, 0xa0, 0x80]],
      ['a character beyond all', [0xf4, 0x90, 0x80, 0x80]],
    ] as const
  ).map(
    ([what, bytes]): Case => ({
      what: `a reason that is no UTF-8: ${what}`,
      section: '8.1',
      sends: [close(1000, Buffer.from(bytes))],
      gets: ['fails 1007'],
      deviates: { as: 'wrong close is answered with an empty one', gets: ['close'] },
    }),
  ),
];

const sizes: Case[] = [
  { what: 'an empty close frame', section: '5.5.1', sends: [close()], gets: ['close'] },
  {
    what: 'a close frame of one byte',
    section: '5.5.1',
    sends: [frame({ opcode: Op.close, payload: Buffer.from([0x03]) })],
    gets: ['fails 1002'],
    deviates: { as: 'wrong close is answered with an empty one', gets: ['close'] },
  },
];

/** 5.5.1: nothing after a close frame is taken, and the server ends the connection first (7.1.1). */
const after: Case[] = [
  { what: 'a message', sends: [close(1000), text(HELLO)] },
  { what: 'a ping', sends: [close(1000), ping('hi')] },
  { what: 'a pong', sends: [close(1000), pong('hi')] },
  { what: 'another close frame', sends: [close(1000), close(1001)] },
  { what: 'half a frame', sends: [close(1000), text(HELLO).subarray(0, 9)] },
  { what: 'what is no frame', sends: [close(1000), Buffer.from('GET / HTTP/1.1\r\n\r\n')] },
  { what: 'a frame that fails', sends: [close(1000), frame({ rsv: 7 })] },
].map(({ what, sends }) => ({
  what: `${what} after a close frame`,
  section: '5.5.1',
  sends,
  manners: BOTH,
  gets: ['close 1000'],
}));

const before: Case[] = [
  {
    what: 'a message right before a close frame, which is kept',
    section: '5.5.1',
    sends: [text(HELLO), close(1000)],
    gets: ['close 1000'],
    stored: ['hello'],
  },
  {
    what: 'a ping right before a close frame',
    section: '5.5.1',
    sends: [ping('hi'), close(1000)],
    manners: BOTH,
    gets: ['pong 6869', 'close 1000'],
  },
  {
    what: 'a close frame with a reason, in pieces',
    section: '5.5.1',
    sends: [close(1000, 'in pieces')],
    manners: ['byte by byte', 'cut at every place'],
    gets: ['close 1000 in pieces'],
  },
];

/** 7.1.5: an end of the connection without a close frame; what was not whole is not taken. */
const withoutClose: Case[] = [
  { what: 'at once', sends: [] },
  { what: 'after a ping', sends: [ping('hi')], answers: ['pong 6869'] },
  { what: 'within the head of a frame', sends: [text(HELLO).subarray(0, 4)] },
  { what: 'within the payload of a frame', sends: [text(HELLO).subarray(0, 20)] },
  { what: 'before the last byte of a frame', sends: [text(HELLO).subarray(0, -1)] },
  { what: 'within a message in fragments', sends: [text(HELLO, NO_FIN)] },
  { what: 'within a close frame', sends: [close(1000).subarray(0, -1)] },
].map(({ what, sends, answers = [] }) => ({
  what: `the client leaves ${what}`,
  section: '7.1.5',
  sends,
  leaves: true as const,
  gets: [...answers, 'cut'],
}));

export const closing: readonly Case[] = [
  ...sizes,
  ...codes,
  ...reasons,
  ...after,
  ...before,
  ...withoutClose,
];
