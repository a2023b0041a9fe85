import {
  ask,
  BOB,
  type Case,
  CHUNKED,
  chunk,
  closed,
  deviating,
  JSON_TYPE,
  kept,
  SMUGGLED,
  waiting,
} from './case.js';

const DATA = '{"name":"in chunks"}';
const SIZE = DATA.length.toString(16);
const END = chunk('');

/** A group whose body is these bytes. */
const post = (...body: string[]) => ask('POST /api/v1/group', JSON_TYPE, CHUNKED) + body.join('');
/** A body that ends, but for the fields that may follow. */
const nowhere = `${ask('POST /nothing', CHUNKED) + chunk(DATA)}0\r\n`;
/** The same in one chunk whose size is written like this. */
const sized = (size: string) => post(`${size}\r\n${DATA}\r\n`, END);

const well: Case[] = [
  kept('one chunk', post(chunk(DATA), END), 200),
  kept('a chunk for each byte', post(...[...DATA].map(chunk), END), 200),
  kept('chunks that come one by one', [post(chunk('{"name":')), chunk('"in '), chunk('chunks"}'), END], 200),
  kept('a size with a zero before it', sized(`000${SIZE}`), 200),
  kept('a size in capitals', post(`1A\r\n${DATA.padEnd(26)}\r\n`, END), 200),
  kept('a size in small letters', post(`1a\r\n${DATA.padEnd(26)}\r\n`, END), 200),
  kept('a last chunk of many zeros', post(chunk(DATA), '00000\r\n\r\n'), 200),
  kept('no data at all, which is no JSON', post(END), 400),
  kept('an end whose last line comes later', [post(chunk(DATA), '0\r\n'), '\r\n'], 200),
  kept('chunks where no body is due', ask(`POST /api/v1/chat/${BOB}`, CHUNKED) + chunk('x') + END, 200),
  kept('chunks with a GET', ask('GET /api/v1/user', CHUNKED) + chunk(SMUGGLED) + END, 200),
  kept('chunks where nothing is', ask('POST /nothing', CHUNKED) + chunk(SMUGGLED) + END, 404),
];

const extensions: Case[] = [
  ...deviating(
    'a chunk’s extension is read as its size',
    closed('an extension', sized(`${SIZE};x`), 400),
    closed('an extension with a value', sized(`${SIZE};x=y`), 400),
    closed('an extension in quotes', sized(`${SIZE};x="a;b"`), 400),
    waiting('an extension of digits', sized(`${SIZE};1=1`)),
  ),
  kept('an extension after a blank', sized(`${SIZE} ;x=y`), 200),
  kept('a blank after a size', sized(`${SIZE} `), 200),
  kept('a tab after a size', sized(`${SIZE}\t`), 200),
];

const wrong: Case[] = [
  ...['0x14', 'x', '-1', '-14', '+14', '"14"', "'", '1.4', '1_4', '1,4', '14h', 'z', '\\x14', '%31'].map(
    (size) => closed(`the size ${size}`, sized(size), 400),
  ),
  closed('a size smaller than the chunk', sized((DATA.length - 3).toString(16)), 400),
  waiting('a size larger than the chunk', sized('1f4')),
  ...[
    'fffffffffffffffff',
    '10000000000000014',
    'ffffffffffffffff',
    '8000000000000000',
    '7fffffffffffffff',
  ].map((size) => closed(`the size ${size}`, sized(size), 400)),
  waiting('no end', post(chunk(DATA))),
  waiting('no data after a size', post(`${SIZE}\r\n`)),
  waiting('a size without the end of its line', post(SIZE)),
  waiting('chunks over 1 MiB, which are 413, and no end', post(chunk('x'.repeat(1024 * 1024 + 1))), 413),
  kept('chunks over 1 MiB, which are 413', post(chunk('x'.repeat(1024 * 1024 + 1)), END), 413),
  ...deviating(
    'sixteen letters more are digits of a size',
    kept('the size :', post(`:\r\n${'{"name":1}'}\r\n`, END), 400),
    kept('the size g', post(`g\r\n${'{"name":12345.0}'}\r\n`, END), 400),
  ),
  ...deviating(
    'a chunk without a size is the last',
    kept('an empty line for a size', post(chunk(DATA), '\r\n\r\n'), 200),
    kept('a blank before a size', post(chunk(DATA), ' 0\r\n\r\n'), 200),
  ),
  ...deviating(
    'what ends a chunk is not read',
    kept('two other bytes after a chunk', post(`${SIZE}\r\n${DATA}XX`, END), 200),
    kept('LF CR after a chunk', post(`${SIZE}\r\n${DATA}\n\r`, END), 200),
  ),
  ...deviating(
    'the line of a size ends at LF',
    kept('LF alone after a size', post(`${SIZE}\n${DATA}\r\n`, END), 200),
    kept('anything between a size and LF', post(`${SIZE} \x00\xff\r\r\n${DATA}\r\n`, END), 200),
  ),
  ...deviating(
    'the fields after the last chunk are read as a request',
    closed('a field after the last chunk', `${nowhere}X: 1\r\n\r\n`, 505),
    closed(
      'a field after the last chunk that is like a request',
      `${nowhere}xx: /healthz HTTP/1.1\r\nhost: x\r\n\r\n`,
      404,
      400,
    ),
  ),
];

export const chunks: readonly Case[] = [...well, ...extensions, ...wrong];
