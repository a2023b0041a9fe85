import { ENGINE } from '../../support/engine.js';
import { type Case, closed, deviating, GOOD, HOST, head, kept, TOKEN, waiting } from './case.js';

/** A request whose first line is this. */
const line = (text: string, ...fields: string[]) => head(text, HOST, TOKEN, ...fields);

const methods: Case[] = [
  ...['get', 'Get', 'GE', 'GETT', 'FOO', 'M-SEARCH', 'PRI', 'TRACE', 'CONNECT', 'post', 'A'.repeat(200)].map(
    (name) => kept(`the method ${name.slice(0, 20)}`, line(`${name} /api/v1/user HTTP/1.1`), 405),
  ),
  kept('the method get, where nothing is', line('get /nothing HTTP/1.1'), 404),
  kept('the method get, without a token', head('get /api/v1/user HTTP/1.1', HOST), 401),
  ...['G@T', '(GET)', 'GET,POST', '"GET"', 'G:ET', 'GET:', '{GET}', 'GET\x7f'].map((name) =>
    closed(`the method ${JSON.stringify(name)}`, line(`${name} /api/v1/user HTTP/1.1`), 400),
  ),
  closed('a line without a method', line(' /api/v1/user HTTP/1.1'), 400),
];

/** RFC 9112, 3.2: the forms of a target other than the usual one. */
const forms: Case[] = deviating(
  'a target is only what begins with a slash',
  closed('the absolute form', line('GET http://parley/api/v1/user HTTP/1.1'), 505),
  closed('the absolute form, without a path', line('GET http://parley HTTP/1.1'), 505),
  closed('the absolute form, of https', line('GET https://parley/api/v1/user HTTP/1.1'), 505),
  closed('the absolute form, in capitals', line('GET HTTP://parley/api/v1/user HTTP/1.1'), 505),
  closed('the asterisk form', line('OPTIONS * HTTP/1.1'), 505),
  closed('the authority form', line('CONNECT parley:443 HTTP/1.1'), 505),
);

const versions: Case[] = [
  closed('HTTP/2.0', line('GET /api/v1/user HTTP/2.0'), 505),
  closed('HTTP/3.0', line('GET /api/v1/user HTTP/3.0'), 505),
  closed('HTTP/0.9', line('GET /api/v1/user HTTP/0.9'), 505),
  closed('what HTTP/2 begins with', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505),
  ...deviating(
    'of HTTP/1 only 1.1 is spoken',
    closed('HTTP/1.0', line('GET /api/v1/user HTTP/1.0'), 505),
    closed('HTTP/1.0 without Host', head('GET /healthz HTTP/1.0'), 505),
    closed('HTTP/1.0 that asks to be kept', line('GET /api/v1/user HTTP/1.0', 'Connection: keep-alive'), 505),
    closed('HTTP/1.2', line('GET /api/v1/user HTTP/1.2'), 505),
    closed('HTTP/1.9', line('GET /api/v1/user HTTP/1.9'), 505),
  ),
  ...deviating(
    'what is no request is 505',
    ...[
      'HTTP/1.10',
      'HTTP/1',
      'HTTP/1.',
      'HTTP/1.1.1',
      'HTTP/11',
      'HTTP/1,1',
      'http/1.1',
      'HTTPS/1.1',
      'FOO/1.1',
      'x',
    ].map((version) => closed(`the version ${version}`, line(`GET /api/v1/user ${version}`), 505)),
  ),
];

const broken: Case[] = deviating(
  'what is no request is 505',
  closed('a blank before the method', line(' GET /api/v1/user HTTP/1.1'), 505),
  closed('two blanks before the target', line('GET  /api/v1/user HTTP/1.1'), 505),
  closed('two blanks before the version', line('GET /api/v1/user  HTTP/1.1'), 505),
  closed('a blank after the version', line('GET /api/v1/user HTTP/1.1 '), 505),
  closed('tabs between the parts', line('GET\t/api/v1/user\tHTTP/1.1'), 505),
  closed('a blank in the target', line('GET /api/v1/us er HTTP/1.1'), 505),
  closed('a tab in the target', line('GET /api/v1/us\ter HTTP/1.1'), 505),
  closed('NUL in the target', line('GET /api/v1/user/\x001 HTTP/1.1'), 505),
  closed('LF in the target', line('GET /api/v1/user\n HTTP/1.1'), 505),
  closed('NUL in the method', line('G\x00ET /api/v1/user HTTP/1.1'), 505),
  closed('a target without a slash', line('GET api/v1/user HTTP/1.1'), 505),
  closed('an asterisk for GET', line('GET * HTTP/1.1'), 505),
  closed('no target', line('GET HTTP/1.1'), 505),
  closed('lines that end in LF alone', GOOD.replaceAll('\r\n', '\n'), 505),
  closed('LF after the first line', GOOD.replace('\r\n', '\n'), 505),
  closed('a head of lines that end in CR alone', GOOD.replaceAll('\r\n', '\r'), 505),
  closed('noise', '\x00\x01\x02\xff\xfe\r\n\r\n', 505),
  closed('TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 505),
  closed('a WebSocket frame', '\x81\x85\x00\x00\x00\x00hello', 505),
);

const WITHOUT_VERSION = 'GET /api/v1/user\r\n\r\n';
const unfinished: Case[] = [
  waiting('nothing', ''),
  waiting('a head without its end', GOOD.slice(0, -2)),
  waiting('a head without its last byte', GOOD.slice(0, -1)),
  ...(ENGINE === 'older'
    ? deviating('a first line that breaks off is waited on', waiting('HTTP/0.9', WITHOUT_VERSION))
    : deviating('what is no request is 505', closed('HTTP/0.9', WITHOUT_VERSION, 505))),
  ...deviating(
    'a first line that breaks off is waited on',
    waiting('another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'),
    waiting('an empty line before the request', `\r\n${GOOD}`),
    waiting('empty lines and nothing else', '\r\n\r\n\r\n'),
    waiting('CR in the target', line('GET /api/v1/us\rer HTTP/1.1')),
  ),
];

const long: Case[] = [
  kept('a target of 31 KiB', line(`GET /${'x'.repeat(31 * 1024)} HTTP/1.1`), 404),
  kept('a query of 31 KiB', line(`GET /api/v1/user?${'x'.repeat(31 * 1024)} HTTP/1.1`), 200),
  ...deviating(
    'a target that is too long is 431',
    closed('a target of 32 KiB', line(`GET /${'x'.repeat(32 * 1024)} HTTP/1.1`), 431),
    closed('a query of 100 KiB', line(`GET /api/v1/user?${'x'.repeat(100 * 1024)} HTTP/1.1`), 431),
    closed('a method of 40 KiB', 'A'.repeat(40 * 1024), 431),
  ),
];

export const lines: readonly Case[] = [...methods, ...forms, ...versions, ...broken, ...unfinished, ...long];
