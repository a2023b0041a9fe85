import type { Case } from './case.js';
import { binary, close, continuation, fragments, NO_FIN, Op, ping, pong, say, text } from './frame.js';

const HELLO = say('hello');
const LAST = HELLO.length;
const BOTH = ['in one write', 'frame by frame'] as const;
/** The two halves of a message. */
const [BEGIN, END] = [HELLO.slice(0, 12), HELLO.slice(12)];
const everyByte = Array.from({ length: LAST - 1 }, (_, n) => n + 1);

/** 5.4: control frames may come in the middle, and are answered there. */
const AMID: [what: string, frames: Buffer[], answers: string[]][] = [
  ['a ping', [ping('hi')], ['pong 6869']],
  ['an empty ping', [ping()], ['pong']],
  ['a ping of 125 bytes', [ping('p'.repeat(125))], [`pong ${'70'.repeat(125)}`]],
  ['a pong', [pong('hi')], []],
  ['two pings', [ping('a'), ping('b')], ['pong 61', 'pong 62']],
  ['a pong and a ping', [pong('a'), ping('b')], ['pong 62']],
];

const amid: Case[] = [
  ...AMID.map(
    ([what, frames, answers]): Case => ({
      what: `${what} in the middle of a message`,
      section: '5.4',
      sends: [text(BEGIN, NO_FIN), ...frames, continuation(END)],
      manners: [...BOTH, 'byte by byte'],
      gets: [...answers, 'message hello'],
    }),
  ),
  {
    what: 'a ping between each two fragments',
    section: '5.4',
    sends: fragments(HELLO, everyByte).flatMap((fragment) => [fragment, ping('!')]),
    manners: BOTH,
    gets: [...Array(LAST).fill('pong 21'), 'message hello'],
  },
  {
    what: 'a ping, of which nothing may be left, in the middle of two messages',
    section: '5.4',
    sends: [
      ...[text(BEGIN, NO_FIN), ping('one'), continuation(END)],
      ...[text(BEGIN, NO_FIN), ping('two'), continuation(END)],
    ],
    manners: BOTH,
    gets: ['pong 6f6e65', 'pong 74776f', 'message hello', 'message hello'],
  },
  {
    what: 'a close frame in the middle of a message',
    section: '5.4',
    sends: [text(BEGIN, NO_FIN), close(1000), continuation(END)],
    manners: BOTH,
    gets: ['close 1000'],
  },
];

/** 5.4: fragments of one message must not be interleaved with those of another. */
const interleaved: Case[] = [
  {
    what: 'a new text frame in the middle of a message',
    section: '5.4',
    sends: [text(BEGIN, NO_FIN), text(HELLO)],
    manners: BOTH,
    gets: ['fails 1002'],
  },
  {
    what: 'a new text frame that is a first fragment in the middle of a message',
    section: '5.4',
    sends: [text(BEGIN, NO_FIN), text(BEGIN, NO_FIN), continuation(END)],
    manners: BOTH,
    gets: ['fails 1002'],
  },
  {
    what: 'a new text frame in the middle of a binary message',
    section: '5.4',
    sends: [binary(BEGIN, NO_FIN), text(HELLO)],
    manners: BOTH,
    gets: ['fails 1002'],
  },
  {
    what: 'a new binary frame in the middle of a message',
    section: '5.4',
    sends: [text(BEGIN, NO_FIN), binary(END), continuation(HELLO)],
    manners: BOTH,
    gets: ['fails 1002'],
    deviates: {
      as: 'binary inside a message is taken',
      gets: ['error invalid_frame', 'message hello'],
    },
  },
  ...[ping(), pong()].map(
    (control, index): Case => ({
      what: `a new text frame after a ${index === 0 ? 'ping' : 'pong'} in the middle of a message`,
      section: '5.4',
      sends: [text(BEGIN, NO_FIN), control, text(END), continuation(say('again'))],
      manners: BOTH,
      gets: ['fails 1002'],
      deviates: {
        as: 'text inside a message is taken after a control frame',
        gets: [...(index === 0 ? ['pong'] : []), 'message hello', 'message again'],
      },
    }),
  ),
];

/** 5.5: control frames must not be fragmented. */
const controls: Case[] = (['close', 'ping', 'pong'] as const).flatMap((name): Case[] => [
  {
    what: `a ${name} in fragments`,
    section: '5.5',
    sends: fragments('hihi', [2], Op[name]),
    manners: BOTH,
    gets: ['fails 1002'],
  },
  {
    what: `a ${name} in fragments in the middle of a message`,
    section: '5.5',
    sends: [text(BEGIN, NO_FIN), ...fragments('hihi', [2], Op[name]), continuation(END)],
    manners: BOTH,
    gets: ['fails 1002'],
  },
]);

export const interleaving: readonly Case[] = [...amid, ...interleaved, ...controls];
