import {
  ask,
  type Case,
  CHUNKED,
  chunk,
  closed,
  createGroup,
  deviating,
  JSON_TYPE,
  kept,
  mended,
  waiting,
} from './case.js';

const BODY = '{"name":"framed"}';
const LENGTH = `Content-Length: ${BODY.length}`;
const post = (...fields: string[]) => createGroup('framed', ...fields);
const chunked = (...fields: string[]) =>
  ask('POST /api/v1/group', JSON_TYPE, ...fields) + chunk(BODY) + chunk('');

/** RFC 9110, 8.6: 1*DIGIT, with white space around it. */
const lengths: Case[] = [
  kept('a Content-Length', post(LENGTH), 200),
  kept('a Content-Length in small letters and without a space', post(`content-length:${BODY.length}`), 200),
  kept('a Content-Length with blanks around it', post(`Content-Length: \t ${BODY.length} \t`), 200),
  kept('a Content-Length with a zero before it', post(`Content-Length: 0${BODY.length}`), 200),
  kept('a Content-Length of ten digits', post(`Content-Length: 00000000${BODY.length}`), 200),
  kept('a Content-Length of 0', ask('POST /api/v1/group', JSON_TYPE, 'Content-Length: 0'), 400),
  kept('neither Content-Length nor Transfer-Encoding', ask('POST /api/v1/group', JSON_TYPE), 400),
  waiting('a Content-Length of 2^32 and the body’s, which is 413', post('Content-Length: 4294967313'), 413),
];

/** RFC 9112, 6.3: what two servers in a row could read as two different requests is refused, and the end. */
const unclearLengths = (
  [
    ['two equal', [LENGTH, LENGTH]],
    ['two different', [LENGTH, 'Content-Length: 5']],
    ['two different, the smaller first', ['Content-Length: 5', LENGTH]],
    ['two different, in another case', [LENGTH, 'content-length: 0']],
    ['two with others between them', [LENGTH, 'X-A: 1', 'X-B: 2', LENGTH]],
    ['a list of equal ones', [`Content-Length: ${BODY.length}, ${BODY.length}`]],
    ['a list of different ones', [`Content-Length: ${BODY.length}, 5`]],
    ['a list with nothing after the comma', [`Content-Length: ${BODY.length},`]],
    ['a list with another separator', [`Content-Length: ${BODY.length};${BODY.length}`]],
    ['a plus sign', [`Content-Length: +${BODY.length}`]],
    ['a minus sign', ['Content-Length: -1']],
    ['minus zero', ['Content-Length: -0']],
    ['a hexadecimal number', ['Content-Length: 0x11']],
    ['hexadecimal digits', ['Content-Length: 1f']],
    ['an underscore', ['Content-Length: 1_7']],
    ['a fraction', ['Content-Length: 17.0']],
    ['an exponent', ['Content-Length: 17e0']],
    ['a blank inside', ['Content-Length: 1 7']],
    ['quotes', ['Content-Length: "17"']],
    ['a word', ['Content-Length: seventeen']],
    ['digits of another script', ['Content-Length: \xef\xbc\x91\xef\xbc\x97']],
    ['nothing', ['Content-Length:']],
    ['blanks alone', ['Content-Length: \t ']],
    ['eleven digits', [`Content-Length: 000000000${BODY.length}`]],
    ['2^64 and the body’s', ['Content-Length: 18446744073709551633']],
    ['a number beyond all bounds', ['Content-Length: 99999999999999999999']],
    ['four thousand digits', [`Content-Length: ${'9'.repeat(4000)}`]],
    ['Transfer-Encoding beside it', [LENGTH, CHUNKED]],
    ['Transfer-Encoding before it', [CHUNKED, LENGTH]],
    ['an empty Transfer-Encoding beside it', [LENGTH, 'Transfer-Encoding:']],
    ['Transfer-Encoding beside an empty one', ['Content-Length:', CHUNKED]],
  ] as const
).map(([what, fields]) => closed(`Content-Length: ${what}`, post(...fields), 400));

/** RFC 9112, 7: the one coding that is known, in any letters. */
const encodings: Case[] = [
  ...['chunked', 'CHUNKED', 'cHuNkEd', ' \tchunked\t '].map((coding) =>
    kept(`Transfer-Encoding: ${JSON.stringify(coding)}`, chunked(`Transfer-Encoding:${coding}`), 200),
  ),
  ...[
    'identity',
    'gzip',
    'gzip, chunked',
    'chunked, gzip',
    'chunked, chunked',
    'chunked, identity',
    'chunked,',
    ', chunked',
    'chunked;q=1',
    'xchunked',
    'chunkedx',
    'chunke',
    'chunked chunked',
    '"chunked"',
    "'chunked'",
    'chunked:',
    '',
    '0',
  ].map((coding) =>
    closed(`Transfer-Encoding: ${JSON.stringify(coding)}`, chunked(`Transfer-Encoding: ${coding}`), 400),
  ),
  ...['chunked', 'identity', 'CHUNKED', 'x', ''].flatMap((coding) => [
    closed(`Transfer-Encoding twice, then ${coding}`, chunked(CHUNKED, `Transfer-Encoding: ${coding}`), 400),
    closed(`Transfer-Encoding twice, first ${coding}`, chunked(`Transfer-Encoding: ${coding}`, CHUNKED), 400),
  ]),
];

export const framing: readonly Case[] = [
  ...lengths,
  ...unclearLengths,
  ...encodings,
  ...mended(
    'a field that is none is waited on',
    { gets: [400], fate: 'closed' },
    ...['\x00chunked', 'chunked\x00', '\x0bchunked', 'chun\x01ked', 'chunked\x0c'].map((coding) =>
      waiting(`Transfer-Encoding: ${JSON.stringify(coding)}`, chunked(`Transfer-Encoding: ${coding}`)),
    ),
  ),
  ...deviating(
    'bytes over 127 around a value are cut off',
    kept('a Content-Length after a no-break space', post(`Content-Length: \xa0${BODY.length}`), 200),
    kept('a Content-Length before a no-break space', post(`Content-Length: ${BODY.length}\xc2\xa0`), 200),
    kept('a Transfer-Encoding after 0xFF', chunked('Transfer-Encoding: \xffchunked'), 200),
    kept('a Transfer-Encoding before 0x80', chunked('Transfer-Encoding: chunked\x80'), 200),
  ),
];
