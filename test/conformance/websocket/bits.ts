import type { Case } from './case.js';
import { binary, close, continuation, frame, NO_FIN, Op, ping, pong, say, text } from './frame.js';

const HELLO = say('hello');
const [BEGIN, END] = [HELLO.slice(0, 12), HELLO.slice(12)];
const KNOWN = Object.entries(Op);
const UNKNOWN = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];

const hex = (opcode: number) => `0x${opcode.toString(16)}`;
const bitsOf = (rsv: number) => [4, 2, 1].flatMap((bit, n) => (rsv & bit ? [`RSV${n + 1}`] : [])).join('+');
const payloadOf = (opcode: number) => (opcode === Op.text ? HELLO : opcode === Op.continuation ? END : 'hi');

/** What must come first, so that a continuation has something to continue. */
const before = (opcode: number) => (opcode === Op.continuation ? [text(BEGIN, NO_FIN)] : []);

/** 5.2: no extension is agreed on that gives the reserved bits a meaning. */
const reservedBits: Case[] = KNOWN.flatMap(([name, opcode]) =>
  [1, 2, 3, 4, 5, 6, 7].map(
    (rsv): Case => ({
      what: `${bitsOf(rsv)} on a ${name} frame`,
      section: '5.2',
      sends: [...before(opcode), frame({ opcode, rsv, payload: payloadOf(opcode) })],
      gets: ['fails 1002'],
    }),
  ),
);

/** 5.2: an opcode that is not known fails the connection. */
const unknownOpcodes: Case[] = UNKNOWN.flatMap((opcode) =>
  [true, false].map(
    (fin): Case => ({
      what: `opcode ${hex(opcode)} ${fin ? 'with' : 'without'} FIN`,
      section: '5.2',
      sends: [frame({ opcode, fin, payload: HELLO })],
      gets: ['fails 1002'],
    }),
  ),
);

const unknownElsewhere: Case[] = [3, 11].flatMap((opcode): Case[] => [
  {
    what: `an empty frame of opcode ${hex(opcode)}`,
    section: '5.2',
    sends: [frame({ opcode })],
    gets: ['fails 1002'],
  },
  {
    what: `opcode ${hex(opcode)} in the middle of a message`,
    section: '5.2',
    sends: [text(BEGIN, NO_FIN), frame({ opcode, payload: 'hi' }), continuation(END)],
    gets: ['fails 1002'],
  },
  {
    what: `opcode ${hex(opcode)} after a message`,
    section: '5.2',
    sends: [text(HELLO), frame({ opcode, payload: 'hi' })],
    gets: ['fails 1002'],
    stored: ['hello'],
  },
]);

const knownOpcodes: Case[] = [
  { what: 'text with FIN', sends: [text(HELLO)], gets: ['message hello'] },
  {
    what: 'text without FIN, and a continuation with it',
    sends: [text(BEGIN, NO_FIN), continuation(END)],
    gets: ['message hello'],
  },
  { what: 'binary with FIN', sends: [binary(HELLO)], gets: ['error invalid_frame'] },
  {
    what: 'binary without FIN, and a continuation with it',
    sends: [binary(BEGIN, NO_FIN), continuation(END)],
    gets: ['error invalid_frame'],
  },
  { what: 'ping with FIN', sends: [ping('hi')], gets: ['pong 6869'] },
  { what: 'ping without FIN', sends: [ping('hi', NO_FIN)], gets: ['fails 1002'] },
  { what: 'an empty ping without FIN', sends: [ping('', NO_FIN)], gets: ['fails 1002'] },
  { what: 'pong with FIN', sends: [pong('hi')], gets: [] },
  { what: 'pong without FIN', sends: [pong('hi', NO_FIN)], gets: ['fails 1002'] },
  { what: 'close with FIN', sends: [close(1000)], gets: ['close 1000'] },
  { what: 'close without FIN', sends: [close(1000, '', NO_FIN)], gets: ['fails 1002'] },
].map((row) => ({ section: row.gets[0] === 'fails 1002' ? '5.5' : '5.2', ...row }));

export const bits: readonly Case[] = [
  ...knownOpcodes,
  ...unknownOpcodes,
  ...unknownElsewhere,
  ...reservedBits,
];
