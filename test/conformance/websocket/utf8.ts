import type { Case, Manner } from './case.js';
import { binary, fragments, frame, NO_FIN, ping, say, text } from './frame.js';

const [HEAD, TAIL] = say('<>')
  .split('<>')
  .map((part) => Buffer.from(part)) as [Buffer, Buffer];
const WAYS: readonly Manner[] = ['in one write', 'byte by byte'];

/** Each first and last sequence of its length, and those beside the gaps (RFC 3629, 4). */
const VALID: [what: string, bytes: number[]][] = [
  ['U+0020', [0x20]],
  ['U+007E', [0x7e]],
  ['U+007F, the last of one byte', [0x7f]],
  ['U+0080, the first of two', [0xc2, 0x80]],
  ['U+00FF', [0xc3, 0xbf]],
  ['U+0100', [0xc4, 0x80]],
  ['U+07FF, the last of two', [0xdf, 0xbf]],
  ['U+0800, the first of three', [0xe0, 0xa0, 0x80]],
  ['U+0FFF', [0xe0, 0xbf, 0xbf]],
  ['U+1000', [0xe1, 0x80, 0x80]],
  ['U+20AC', [0xe2, 0x82, 0xac]],
  ['U+CFFF', [0xec, 0xbf, 0xbf]],
  ['U+D000', [0xed, 0x80, 0x80]],
  ['U+D7FF, the last before the surrogates', [0xed, 0x9f, 0xbf]],
  ['U+E000, the first after them', [0xee, 0x80, 0x80]],
  ['U+FEFF, the byte order mark', [0xef, 0xbb, 0xbf]],
  ['U+FFFD', [0xef, 0xbf, 0xbd]],
  ['U+FFFE, which is no character', [0xef, 0xbf, 0xbe]],
  ['U+FFFF, the last of three', [0xef, 0xbf, 0xbf]],
  ['U+10000, the first of four', [0xf0, 0x90, 0x80, 0x80]],
  ['U+1F600', [0xf0, 0x9f, 0x98, 0x80]],
  ['U+3FFFF', [0xf0, 0xbf, 0xbf, 0xbf]],
  ['U+40000', [0xf1, 0x80, 0x80, 0x80]],
  ['U+FFFFF', [0xf3, 0xbf, 0xbf, 0xbf]],
  ['U+100000', [0xf4, 0x80, 0x80, 0x80]],
  ['U+10FFFF, the last of all', [0xf4, 0x8f, 0xbf, 0xbf]],
  ['one of each length', [0x24, 0xc2, 0xa2, 0xe2, 0x82, 0xac, 0xf0, 0x90, 0x8d, 0x88]],
  ['16 bytes of ASCII, then two', [...Buffer.from('0123456789abcdef'), 0xc3, 0xa9]],
  ['15 bytes of ASCII, then four', [...Buffer.from('0123456789abcde'), 0xf0, 0x9f, 0x98, 0x80]],
];

const INVALID: [what: string, bytes: number[]][] = [
  ['a continuation alone: 80', [0x80]],
  ['a continuation alone: bf', [0xbf]],
  ['two continuations alone', [0x80, 0xbf]],
  ['a continuation too many after two bytes', [0xc2, 0x80, 0x80]],
  ['a continuation too many after three bytes', [0xe2, 0x82, 0xac, 0xac]],
  ['a continuation too many after four bytes', [0xf0, 0x9f, 0x98, 0x80, 0x80]],
  ['2 bytes of which 1 is there', [0xc3]],
  ['3 bytes of which 1 is there', [0xe2]],
  ['3 bytes of which 2 are there', [0xe2, 0x82]],
  ['4 bytes of which 1 is there', [0xf0]],
  ['4 bytes of which 2 are there', [0xf0, 0x9f]],
  ['4 bytes of which 3 are there', [0xf0, 0x9f, 0x98]],
  ['a beginning after a beginning', [0xc3, 0xc3, 0xa9]],
  ['an overlong U+0000 in 2 bytes', [0xc0, 0x80]],
  ['an overlong U+002F in 2 bytes', [0xc0, 0xaf]],
  ['an overlong U+007F in 2 bytes', [0xc1, 0xbf]],
  ['an overlong U+0000 in 3 bytes', [0xe0, 0x80, 0x80]],
  ['an overlong U+002F in 3 bytes', [0xe0, 0x80, 0xaf]],
  ['an overlong U+07FF in 3 bytes', [0xe0, 0x9f, 0xbf]],
  ['an overlong U+0000 in 4 bytes', [0xf0, 0x80, 0x80, 0x80]],
  ['an overlong U+FFFF in 4 bytes', [0xf0, 0x8f, 0xbf, 0xbf]],
  ['U+D800, the first surrogate', [0xed, 0xa0, 0x80]],
  ['U+DBFF, the last high surrogate', [0xed, 0xaf, 0xbf]],
  ['U+DC00, the first low surrogate', [0xed, 0xb0, 0x80]],
  ['U+DFFF, the last surrogate', [0xed, 0xbf, 0xbf]],
  ['a pair of surrogates', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
  ['U+110000, the first beyond all', [0xf4, 0x90, 0x80, 0x80]],
  ['U+13FFFF', [0xf4, 0xbf, 0xbf, 0xbf]],
  ['U+140000', [0xf5, 0x80, 0x80, 0x80]],
  ['U+1FFFFF', [0xf7, 0xbf, 0xbf, 0xbf]],
  ['5 bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]],
  ['6 bytes', [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80]],
  ['the byte fe', [0xfe]],
  ['the byte ff', [0xff]],
  ['16 bytes of ASCII, then half a character', [...Buffer.from('0123456789abcdef'), 0xc3]],
];

function message(bytes: readonly number[]): Buffer {
  return Buffer.concat([HEAD, Buffer.from('<'), Buffer.from(bytes), Buffer.from('>'), TAIL]);
}

/** Whole, and in fragments that begin before, at each byte of, and after the sequence. */
function both(bytes: readonly number[]): Record<'whole' | 'split', Buffer[]> {
  const places = Array.from({ length: bytes.length + 1 }, (_, n) => HEAD.length + 1 + n);
  return { whole: [text(message(bytes))], split: fragments(message(bytes), places) };
}

const valid: Case[] = VALID.flatMap(([what, bytes]): Case[] => {
  const { whole, split } = both(bytes);
  const common = { section: '5.6', manners: WAYS, gets: [`message <${Buffer.from(bytes)}>`] };
  return [
    { what: `${what}, whole`, sends: whole, ...common },
    { what: `${what}, in fragments`, sends: split, ...common },
  ];
});

const invalid: Case[] = INVALID.flatMap(([what, bytes]): Case[] => {
  const { whole, split } = both(bytes);
  const common = { section: '8.1', manners: WAYS, gets: ['fails 1007'] };
  return [
    { what: `${what}, whole`, sends: whole, ...common },
    { what: `${what}, in fragments`, sends: split, ...common },
  ];
});

const halves: Case[] = [
  {
    what: 'a message that ends within a character',
    section: '8.1',
    sends: [text(Buffer.concat([Buffer.from(say('x')), Buffer.from([0xe2, 0x82])]))],
    gets: ['fails 1007'],
  },
  {
    what: 'a character of which each half is in a message of its own',
    section: '8.1',
    sends: [text(Buffer.from([0xc3])), text(Buffer.from([0xa9]))],
    gets: ['fails 1007'],
  },
  {
    what: 'a ping in the middle of a character',
    section: '5.4',
    sends: splitBy(ping(Buffer.from([0xff, 0xc3]))),
    manners: WAYS,
    gets: ['pong ffc3', 'message <é>'],
  },
  {
    what: 'bytes that are no text in a binary frame',
    section: '5.6',
    sends: [binary(Buffer.from([0xc3, 0x28, 0xff]))],
    gets: ['error invalid_frame'],
  },
  {
    what: 'a first fragment that is no text, with a ping after it: the end of the message is waited for',
    section: '8.1',
    sends: [Buffer.concat([text(Buffer.from([0xff]), NO_FIN), ping()]), frame({ opcode: 0 })],
    manners: ['answer by answer'],
    gets: ['pong', 'fails 1007'],
  },
];

/** A message in two fragments, with this between the two bytes of its é. */
function splitBy(control: Buffer): Buffer[] {
  const [first = control, second = control] = fragments(message([0xc3, 0xa9]), [HEAD.length + 2]);
  return [first, control, second];
}

export const utf8: readonly Case[] = [...valid, ...invalid, ...halves];
