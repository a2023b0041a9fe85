import { ENGINE } from '../../support/engine.js';
import {
  ALICE,
  ask,
  BOB,
  type Case,
  CHUNKED,
  chunk,
  closed,
  deviating,
  GOOD,
  HOST,
  head,
  JSON_TYPE,
  kept,
  lengthOf,
  mended,
  SMUGGLED,
  TOKEN,
  waiting,
} from './case.js';

/** What two servers in a row read differently: one takes the end for a body, the other for a request. */
const post = (...fields: string[]) => ask('POST /api/v1/group', JSON_TYPE, ...fields);
const LENGTH = lengthOf(`0\r\n\r\n${SMUGGLED}`);

/** Ways to write Transfer-Encoding that one server reads and another does not: refused at once … */
const DISGUISES: readonly (readonly string[])[] = [
  ['Transfer-Encoding: xchunked'],
  ['Transfer-Encoding:\tchunked'],
  ['Transfer-Encoding: chunked', 'Transfer-Encoding: x'],
  ['Transfer-Encoding: x', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: identity, chunked'],
  ['Transfer-Encoding: "chunked"'],
  ['tRANSFER-eNCODING: cHUNKED'],
];
/** … as is what is no field. */
const BROKEN: readonly (readonly string[])[] = [
  ['Transfer-Encoding : chunked'],
  ['Transfer-Encoding\t: chunked'],
  ['Transfer-Encoding:\x0bchunked'],
  ['Transfer-Encoding:', ' chunked'],
  [' Transfer-Encoding: chunked'],
  ['X: x\nTransfer-Encoding: chunked'],
  ['Transfer-Encoding\n: chunked'],
  ['Transfer-Encoding: chunked\n'],
  ['Transfer-Encoding\x00: chunked'],
  ['Transfer-Encoding: chunked\x00'],
  ['\x00Transfer-Encoding: chunked'],
];
const disguised = (fields: readonly string[]) =>
  [`TE.TE: ${JSON.stringify(fields.join('\r\n'))}`, post(LENGTH, ...fields) + chunk('') + SMUGGLED] as const;

const classics: Case[] = [
  closed(
    'CL.TE: the length is of all, the chunks end before',
    post(LENGTH, CHUNKED) + chunk('') + SMUGGLED,
    400,
  ),
  closed('CL.TE, the coding first', post(CHUNKED, LENGTH) + chunk('') + SMUGGLED, 400),
  closed(
    'TE.CL: the chunk is of all, the length ends before',
    post('Content-Length: 4', CHUNKED) + chunk(SMUGGLED) + chunk(''),
    400,
  ),
  closed('TE.CL, the coding first', post(CHUNKED, 'Content-Length: 4') + chunk(SMUGGLED) + chunk(''), 400),
  closed('TE.CL, the length 0', post('Content-Length: 0', CHUNKED) + chunk(SMUGGLED) + chunk(''), 400),
  ...DISGUISES.map((fields) => closed(...disguised(fields), 400)),
  ...mended(
    'a field that is none is waited on',
    { gets: [400], fate: 'closed' },
    ...BROKEN.map((fields) => waiting(...disguised(fields))),
  ),
  kept(
    'a name that is only like Transfer-Encoding',
    post('Transfer_Encoding: chunked', LENGTH) + chunk('') + SMUGGLED,
    400,
  ),
];

/** A body is a body, whoever asks for it and whatever is in it. */
const bodies: Case[] = [
  kept('the body of a GET', ask('GET /api/v1/user', lengthOf(SMUGGLED)) + SMUGGLED, 200),
  kept(
    'the body of a GET of a probe',
    head('GET /healthz HTTP/1.1', HOST, lengthOf(SMUGGLED)) + SMUGGLED,
    200,
  ),
  kept('the body of a HEAD', ask('HEAD /api/v1/user', lengthOf(SMUGGLED)) + SMUGGLED, 200),
  kept('the body of an OPTIONS', ask('OPTIONS /api/v1/user', lengthOf(SMUGGLED)) + SMUGGLED, 405),
  kept('the body of a DELETE', ask('DELETE /api/v1/group/999', lengthOf(SMUGGLED)) + SMUGGLED, 404),
  kept(
    'the body of a POST that takes none',
    ask(`POST /api/v1/chat/${BOB}`, lengthOf(SMUGGLED)) + SMUGGLED,
    200,
  ),
  kept('the body of a path that is none', ask('POST /api/v1/nothing', lengthOf(SMUGGLED)) + SMUGGLED, 404),
  kept('the body of a bad id', ask('POST /api/v1/chat/0', lengthOf(SMUGGLED)) + SMUGGLED, 400),
  kept('the body of a method that is none', ask('FOO /api/v1/user', lengthOf(SMUGGLED)) + SMUGGLED, 405),
  kept(
    'a body without a token',
    head('POST /api/v1/group HTTP/1.1', HOST, lengthOf(SMUGGLED)) + SMUGGLED,
    401,
  ),
  kept(
    'a body with a bad token',
    head('POST /api/v1/group HTTP/1.1', HOST, 'Authorization: Bearer x', lengthOf(SMUGGLED)) + SMUGGLED,
    401,
  ),
  kept('a body of another type', ask('POST /api/v1/group', lengthOf(SMUGGLED)) + SMUGGLED, 415),
  kept('a body that comes later', [ask('GET /api/v1/user', lengthOf(SMUGGLED)), SMUGGLED], 200),
  kept(
    'a body of a plain GET on a WebSocket path',
    ask('GET /api/v1/main', lengthOf(SMUGGLED)) + SMUGGLED,
    426,
  ),
  kept('a body of an upgrade of another version', upgrade('8', lengthOf(SMUGGLED)) + SMUGGLED, 426),
  kept(
    'a body of an upgrade of another version, in chunks',
    upgrade('8', CHUNKED) + chunk(SMUGGLED) + chunk(''),
    426,
  ),
  kept(
    'a CR and LF in a path, encoded',
    ask(`GET /api/v1/user/${ALICE}${encodeURIComponent(` HTTP/1.1\r\n\r\n${SMUGGLED}`)}`),
    400,
  ),
];

/** The engine shows no more of such a head, so nobody can know that there is a body. */
const hidden: Case[] = deviating(
  'after a field without a name nothing is read',
  kept('a length after a field without a name', ask('GET /nothing', ': 1', lengthOf(GOOD)) + GOOD, 404, 200),
  closed(
    'a length after a field without a name, on a path that looks at the log',
    ask('GET /api/v1/user', ': 1', LENGTH) + GOOD,
  ),
);

function upgrade(version: string, ...fields: string[]): string {
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
  const asking = ['Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Version: ${version}`, key];
  return ask('GET /api/v1/main', ...asking, ...fields);
}

/**
 * What comes in the same segment as a head that is refused is not even read: then the connection just ends. Two Host
 * are refused by the newer engine itself, which answers.
 */
function everywhere(method: string, path: string): Case[] {
  const title = `${method} ${path}`;
  const to = (...fields: string[]) => ask(`${method} ${path}`, ...fields);
  const larger = lengthOf(GOOD);
  const unread = closed(
    `${title}, two lengths, the larger first`,
    to(larger, 'Content-Length: 2') + GOOD,
    400,
  );
  const hosts = [
    closed(
      `${title}, two Host, and a request`,
      to('Host: elsewhere') + GOOD,
      ...(ENGINE === 'newer' ? [400] : []),
    ),
    closed(`${title}, two Host, and a request later`, [to('Host: elsewhere'), GOOD], 400),
  ];
  const isHead = method === 'HEAD';
  return [
    ...(isHead
      ? mended('the end after a HEAD is left to the peer', unread, { ...unread, fate: 'waiting' })
      : [unread]),
    closed(`${title}, two lengths, the smaller first`, to('Content-Length: 2', larger) + GOOD),
    closed(`${title}, two lengths, 0 first`, to('Content-Length: 0', larger) + GOOD),
    ...(isHead && ENGINE === 'newer'
      ? deviating('the engine’s own answer to a HEAD has a body', ...hosts)
      : hosts),
    closed(`${title}, two tokens, and a request`, to(TOKEN) + GOOD),
  ];
}

const PATHS = ['/api/v1/group', '/api/v1/nothing', '/healthz', '/readyz', '/', '/nothing'];

export const smuggling: readonly Case[] = [
  ...classics,
  ...bodies,
  ...hidden,
  ...['GET', 'POST', 'HEAD'].flatMap((method) => PATHS.flatMap((path) => everywhere(method, path))),
  ...PATHS.map((path) => closed(`GET ${path}, two Host`, ask(`GET ${path}`, HOST), 400)),
];
