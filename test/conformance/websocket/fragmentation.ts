import { ENGINE_FRAME_BYTES_MAX, FRAME_BYTES_MAX } from '../../../src/api/frames.js';
import type { Case } from './case.js';
import { continuation, fragments, Op, pong, say, sayIn, text } from './frame.js';

const HELLO = say('hello');
const LAST = HELLO.length;
const BOTH = ['in one write', 'frame by frame'] as const;
/** The second half of a message. */
const END = HELLO.slice(12);
const everyByte = Array.from({ length: LAST - 1 }, (_, n) => n + 1);

/** 5.4: a first frame, any number of continuations, the last of them with FIN. */
const WHOLE: [what: string, places: readonly number[]][] = [
  ['in 2 fragments', [12]],
  ['in 3 fragments', [5, 20]],
  ['in 5 fragments', [1, 2, 3, 30]],
  ['in a fragment for each byte', everyByte],
  ['whose first fragment is empty', [0]],
  ['whose first two fragments are empty', [0, 0]],
  ['whose middle fragment is empty', [12, 12]],
  ['whose last fragment is empty', [LAST]],
  ['whose last three fragments are empty', [LAST, LAST, LAST]],
  ['between two empty fragments', [0, LAST]],
  ['after 200 empty fragments', Array(200).fill(0)],
];

const whole: Case[] = [
  ...WHOLE.map(
    ([what, places]): Case => ({
      what: `a message ${what}`,
      section: '5.4',
      sends: fragments(HELLO, places),
      manners: BOTH,
      gets: ['message hello'],
    }),
  ),
  {
    what: 'an empty message in 3 fragments',
    section: '5.4',
    sends: fragments('', [0, 0]),
    manners: BOTH,
    gets: ['error invalid_frame'],
  },
  {
    what: 'a binary message in 2 fragments',
    section: '5.4',
    sends: fragments(HELLO, [12], Op.binary),
    manners: BOTH,
    gets: ['error invalid_frame'],
  },
  {
    what: 'two messages, each in fragments',
    section: '5.4',
    sends: [...fragments(HELLO, [5]), ...fragments(say('again'), [9, 9])],
    manners: BOTH,
    gets: ['message hello', 'message again'],
  },
  {
    what: 'a message in fragments, one whole, one in fragments',
    section: '5.4',
    sends: [...fragments(HELLO, [5]), text(say('whole')), ...fragments(say('again'), [9])],
    manners: BOTH,
    gets: ['message hello', 'message whole', 'message again'],
  },
];

/** 5.4: a continuation needs something to continue. */
const baseless: Case[] = (
  [
    ['at once', [], []],
    ['after a message', [text(HELLO)], ['hello']],
    ['after a message in fragments', fragments(HELLO, [12]), ['hello']],
    ['after a pong', [pong()], []],
  ] as const
).flatMap(([when, before, stored]) =>
  [true, false].map(
    (fin): Case => ({
      what: `a continuation ${when}, ${fin ? 'with' : 'without'} FIN, that continues nothing`,
      section: '5.4',
      sends: [...before, continuation(END, { fin })],
      gets: ['fails 1002'],
      stored,
    }),
  ),
);

/** The contract's bounds are those of the whole message. */
const sizes: Case[] = (
  [
    [FRAME_BYTES_MAX, [30_000], 'message hello'],
    [FRAME_BYTES_MAX, [10_000, 20_000, 20_125, 20_251], 'message hello'],
    [FRAME_BYTES_MAX + 1, [30_000], 'close 1009 frame too big'],
    [ENGINE_FRAME_BYTES_MAX, [1, ENGINE_FRAME_BYTES_MAX - 1], 'close 1009 frame too big'],
    [ENGINE_FRAME_BYTES_MAX + 1, [30_000], 'fails 1009'],
    [ENGINE_FRAME_BYTES_MAX + 1, [ENGINE_FRAME_BYTES_MAX], 'fails 1009'],
  ] as const
).map(([bytes, places, result]) => ({
  what: `a message of ${bytes} bytes in fragments from ${[0, ...places].join(', ')}`,
  section: '10.4',
  sends: fragments(sayIn(bytes, 'hello'), places),
  manners: BOTH,
  gets: [result],
}));

export const fragmentation: readonly Case[] = [...whole, ...baseless, ...sizes];
