import { ask, type Case, closed, deviating, GOOD, HOST, head, kept, mended, TOKEN, waiting } from './case.js';

const get = (...fields: string[]) => ask('GET /api/v1/user', ...fields);
const fill = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: ${n}`);

/** The head of a good request that has this many bytes. */
function headOf(bytes: number): string {
  return get(`X: ${'x'.repeat(bytes - get('X: ').length)}`);
}

const HEAD_BYTES_MAX = 32 * 1024;
const FIELDS_MAX = 98;

const well: Case[] = [
  kept('a field without a value', get('X-Empty:', 'X-Blank:  '), 200),
  kept('a value with blanks and tabs around it and inside', get('X: \t a \t b \t '), 200),
  kept('a value of letters over 127', get('X: caf\xc3\xa9 \xff\xfe\x80 x'), 200),
  kept('every letter that a name may have', get("!#$%&'*+-.^_`|~09azAZ: 1"), 200),
  kept('a name of one letter, and one of a thousand', get('x: 1', `${'x'.repeat(1000)}: 1`), 200),
  kept(
    'names in capitals',
    head('GET /api/v1/user HTTP/1.1', HOST.toUpperCase(), TOKEN.replace('A', 'a')),
    200,
  ),
  kept('Host after all others', head('GET /api/v1/user HTTP/1.1', TOKEN, 'X: 1', HOST), 200),
  kept('an empty Host', head('GET /api/v1/user HTTP/1.1', 'Host:', TOKEN), 200),
  kept('a Host with a port', head('GET /api/v1/user HTTP/1.1', 'Host: [::1]:8080', TOKEN), 200),
  kept('the same field again and again', get(...Array<string>(20).fill('Accept: */*')), 200),
  kept('DEL in a value, which is kept for nobody', get('X: a\x7fb'), 200),
];

const host: Case[] = [
  closed('no Host', head('GET /api/v1/user HTTP/1.1', TOKEN), 400),
  closed('no Host, on a path that is nobody’s', head('GET / HTTP/1.1', 'X: 1'), 400),
  closed('two Host', get('Host: other'), 400),
  closed('two equal Host', get(HOST), 400),
  closed('two Host far from each other', get(...fill(20), 'host: parley'), 400),
  closed('two Authorization', get('Authorization: Bearer x'), 400),
  closed('two equal Authorization', get(TOKEN), 400),
  closed(
    'two Authorization, the first empty',
    head('GET /api/v1/user HTTP/1.1', HOST, 'Authorization:', TOKEN),
    400,
  ),
  kept('two tokens in one Authorization', head('GET /api/v1/user HTTP/1.1', HOST, `${TOKEN}, Bearer x`), 401),
  ...deviating(
    'Host is not read',
    ...['a b', 'a,b', 'http://parley/', '"><', 'parley:port', '[::1', 'user@parley'].map((name) =>
      kept(`a Host that is none: ${name}`, head('GET /api/v1/user HTTP/1.1', `Host: ${name}`, TOKEN), 200),
    ),
  ),
];

/** RFC 9112, 5: a name, a colon right after it, a value on one line, a CR and a LF. */
const broken: Case[] = [
  ...mended(
    'a field that is none is waited on',
    { gets: [400], fate: 'closed' },
    waiting('a blank before the colon', get('X : 1')),
    waiting('a tab before the colon', get('X\t: 1')),
    waiting('a blank before the first name', head('GET /api/v1/user HTTP/1.1', ` ${HOST}`, TOKEN)),
    waiting('a blank before the colon of Host', head('GET /api/v1/user HTTP/1.1', 'Host : parley', TOKEN)),
    waiting('a line that goes on after a blank', get('X: 1', ' 2')),
    waiting('a line that goes on after a tab', get('X: 1', '\t2')),
    waiting('a line of a blank', get('X: 1', ' ')),
    waiting('a token on two lines', head('GET /api/v1/user HTTP/1.1', HOST, ...TOKEN.split(/(?<=:)/))),
    waiting('no colon', get('broken')),
    waiting('no colon, at the end', head('GET /api/v1/user HTTP/1.1', HOST, TOKEN, 'broken')),
    waiting('no field at all', head('GET /healthz HTTP/1.1')),
    ...[...'"(),/;<=>?@[\\]{}', '\x00', '\x01', '\x7f', '\x80', '\xff'].map((byte) =>
      waiting(`a name with ${JSON.stringify(byte)}`, get(`X${byte}Y: 1`)),
    ),
    ...['\x00', '\x01', '\x08', '\x0b', '\x0c', '\x1b', '\x1f', '\n'].map((byte) =>
      waiting(`a value with ${JSON.stringify(byte)}`, get(`X: a${byte}b`)),
    ),
    waiting('a value of one NUL', get('X: \x00')),
    waiting('a line that ends in LF alone', get('X: 1\nY: 2')),
    waiting('a token that ends in LF alone', get().replace(`${TOKEN}\r\n`, `${TOKEN}\n`)),
    waiting('a head whose empty line is LF alone', `${GOOD.slice(0, -2)}\n`),
    waiting('a head whose empty line is CR and no LF', `${GOOD.slice(0, -1)}X: 1\r\n\r\n`),
    waiting('a good request after what is none', [get('X : 1'), GOOD]),
    closed('32 KiB after what is none', [get('X : 1'), 'x'.repeat(32 * 1024)], 431),
  ),
  ...deviating(
    'a field that is none is waited on',
    waiting('a value with CR', get('X: a\rb')),
    waiting('a value that ends in CR CR LF', get('X: a\r')),
  ),
  ...deviating(
    'after a field without a name nothing is read',
    kept('a field without a name, at the end', get(': 1'), 200),
    kept(
      'a field without a name, before the token',
      head('GET /api/v1/user HTTP/1.1', HOST, ': 1', TOKEN),
      401,
    ),
    closed('a field without a name, before Host', head('GET /api/v1/user HTTP/1.1', TOKEN, ': 1', HOST), 400),
  ),
];

const large: Case[] = [
  kept(`${FIELDS_MAX} fields`, get(...fill(FIELDS_MAX - 2)), 200),
  closed(`${FIELDS_MAX + 1} fields`, get(...fill(FIELDS_MAX - 1)), 431),
  closed('a thousand fields', get(...fill(1000)), 431),
  kept('a head of 32 KiB', headOf(HEAD_BYTES_MAX), 200),
  closed('a head of 32 KiB and a byte', headOf(HEAD_BYTES_MAX + 1), 431),
  kept('a head of 32 KiB in two pieces', halves(headOf(HEAD_BYTES_MAX)), 200),
  closed('a head of 32 KiB and a byte in two pieces', halves(headOf(HEAD_BYTES_MAX + 1)), 431),
  closed('a head of 100 KiB', headOf(100 * 1024), 431),
  closed('a name of 40 KiB', get(`${'x'.repeat(40 * 1024)}: 1`), 431),
  closed('40 KiB of a head that has no end', `${GOOD.slice(0, -2)}X: ${'x'.repeat(40 * 1024)}`, 431),
];

function halves(text: string): string[] {
  return [text.slice(0, text.length / 2), text.slice(text.length / 2)];
}

export const fields: readonly Case[] = [...well, ...host, ...broken, ...large];
