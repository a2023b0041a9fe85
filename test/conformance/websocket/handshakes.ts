/** An opening handshake, good but for what is changed, and its answer (RFC 6455, 4.2). */
export interface Handshake {
  readonly what: string;
  readonly section: string;
  /** Headers that have another value, or with undefined are not there. */
  readonly change?: Readonly<Record<string, string | undefined>>;
  /** Lines after them. */
  readonly more?: readonly string[];
  /** How each line of a header is written. */
  readonly spelled?: (name: string, value: string) => string;
  readonly method?: string;
  readonly version?: string;
  readonly path?: string;
  readonly status: number;
  /** Headers of the answer: exactly these values, in lines of their own. */
  readonly answer?: Readonly<Record<string, readonly string[]>>;
}

const NO_ACCEPT = { 'Sec-WebSocket-Accept': [] } as const;
const OLD = { ...NO_ACCEPT, 'Sec-WebSocket-Version': ['13'], Upgrade: ['websocket'] } as const;
const NONE_CHOSEN = { 'Sec-WebSocket-Extensions': [], 'Sec-WebSocket-Protocol': [] } as const;

/** 4.2.1: each header as it may be written. */
const accepted: Handshake[] = (
  [
    ['as in RFC 6455', '4.2.2', {}],
    ['Upgrade: WebSocket', '4.2.1', { change: { Upgrade: 'WebSocket' } }],
    ['Upgrade: WEBSOCKET', '4.2.1', { change: { Upgrade: 'WEBSOCKET' } }],
    ['Connection: upgrade', '4.2.1', { change: { Connection: 'upgrade' } }],
    ['Connection: UPGRADE', '4.2.1', { change: { Connection: 'UPGRADE' } }],
    ['Connection: keep-alive, Upgrade', '4.2.1', { change: { Connection: 'keep-alive, Upgrade' } }],
    ['Connection: Upgrade,keep-alive', '4.2.1', { change: { Connection: 'Upgrade,keep-alive' } }],
    ['Connection: keep-alive ,\tUpgrade', '4.2.1', { change: { Connection: 'keep-alive ,\tUpgrade' } }],
    ['Connection in two lines', '4.2.1', { more: ['Connection: keep-alive'] }],
    ['names in lower case', '4.2.1', { spelled: (name, value) => `${name.toLowerCase()}: ${value}` }],
    ['names in upper case', '4.2.1', { spelled: (name, value) => `${name.toUpperCase()}: ${value}` }],
    ['names in no case', '4.2.1', { spelled: (name, value) => `${everyOther(name)}: ${value}` }],
    ['no space after the colon', '4.2.1', { spelled: (name, value) => `${name}:${value}` }],
    ['spaces and tabs around values', '4.2.1', { spelled: (name, value) => `${name}: \t ${value} \t` }],
    ['headers that it does not know', '4.2.1', { more: ['X-Other: 1', 'Cookie: a=b', 'Origin: http://x'] }],
    ['a key of zeros', '4.2.2', { change: { 'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==' } }],
    ['a key of ones', '4.2.2', { change: { 'Sec-WebSocket-Key': '/////////////////////w==' } }],
    ['a key with a plus', '4.2.2', { change: { 'Sec-WebSocket-Key': 'x3JJHMbDL1EzLkh9+BhXDw==' } }],
    ['an extension', '9.1', { more: ['Sec-WebSocket-Extensions: permessage-deflate'] }],
    ['an extension with parameters', '9.1', { more: ['Sec-WebSocket-Extensions: x; a=1, y; b="c"'] }],
    [
      'extensions in two lines',
      '9.1',
      { more: ['Sec-WebSocket-Extensions: x', 'Sec-WebSocket-Extensions: y'] },
    ],
    ['a protocol that it does not know', '4.2.2', { more: ['Sec-WebSocket-Protocol: mqtt'] }],
    ['chat.v1 in another case', '4.2.2', { more: ['Sec-WebSocket-Protocol: Chat.V1'] }],
  ] as [string, string, Partial<Handshake>][]
).map(([what, section, rest]) => ({ what, section, status: 101, answer: NONE_CHOSEN, ...rest }));

const protocols: Handshake[] = [
  ['Sec-WebSocket-Protocol: chat.v1'],
  ['Sec-WebSocket-Protocol: mqtt, chat.v1'],
  ['Sec-WebSocket-Protocol: chat.v1,mqtt'],
  ['Sec-WebSocket-Protocol: mqtt', 'Sec-WebSocket-Protocol: chat.v1'],
  ['sec-websocket-protocol:chat.v1'],
].map((more) => ({
  what: more.join(' and '),
  section: '4.2.2',
  more,
  status: 101,
  answer: { 'Sec-WebSocket-Extensions': [], 'Sec-WebSocket-Protocol': ['chat.v1'] },
}));

/** 4.2.1: what does not match is refused with an appropriate status, such as 400. */
const refused: Handshake[] = (
  [
    ['Upgrade', undefined],
    ['Upgrade', ''],
    ['Upgrade', 'h2c'],
    ['Upgrade', 'websockets'],
    ['Upgrade', 'web socket'],
    ['Connection', undefined],
    ['Connection', ''],
    ['Connection', 'close'],
    ['Connection', 'keep-alive'],
    ['Connection', 'Upgraded'],
    ['Connection', 'keep-alive; Upgrade'],
    ['Host', undefined],
    ['Sec-WebSocket-Key', '!!!!!!!!!!!!!!!!!!!!!!=='],
    ['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAAAA'],
    ['Sec-WebSocket-Key', 'AAAAAAAAAAAAAAAAAAAAAAA='],
  ] as [string, string | undefined][]
).map(([name, value]) => ({
  what: value === undefined ? `without ${name}` : `${name}: ${value}`,
  section: '4.2.1',
  change: { [name]: value },
  status: 400,
  answer: NO_ACCEPT,
}));

const twice: Handshake[] = [
  'Host: elsewhere',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  'Authorization: Bearer x',
].map((line) => ({
  what: `a second line ${line}`,
  section: '11.3',
  more: [line],
  status: 400,
  answer: NO_ACCEPT,
}));

/** Without a key of 24 characters the engine sees no handshake, but a GET of a path that is for WebSocket. */
const keyless: Handshake[] = [
  undefined,
  '',
  'x',
  'AAAAAAAAAAAAAAAA',
  `${'A'.repeat(21)}==`,
  `${'A'.repeat(23)}==`,
].map((key) => ({
  what: key === undefined ? 'without a key' : `with a key of ${key.length} characters`,
  section: '4.2.1',
  change: { 'Sec-WebSocket-Key': key },
  status: 426,
  answer: { ...NO_ACCEPT, Upgrade: ['websocket'] },
}));

/** 4.4: another version is refused with 426 and the version that is spoken. */
const versions: Handshake[] = [
  ...[undefined, '', '0', '7', '8', '12', '14', '25', '113', '130', '013', '-13', '13.0', '13, 8', 'x'].map(
    (version) => ({
      what: version === undefined ? 'without a version' : `version "${version}"`,
      change: { 'Sec-WebSocket-Version': version },
    }),
  ),
  { what: 'versions 13 and 8 in two lines', more: ['Sec-WebSocket-Version: 8'] },
  { what: 'version 13 in two lines', more: ['Sec-WebSocket-Version: 13'] },
].map((row) => ({ section: '4.4', status: 426, answer: OLD, ...row }));

/** 4.2.1: an HTTP/1.1 or higher GET request. */
const requests: Handshake[] = [
  ...['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE'].map((method) => ({
    what: `with ${method}`,
    method,
    path: '/api/v1/main',
    status: 405,
    answer: { ...NO_ACCEPT, Allow: ['GET'] },
  })),
  { what: 'with get in lower case', method: 'get', status: 405, answer: NO_ACCEPT },
  { what: 'in HTTP/1.0', version: 'HTTP/1.0', status: 505, answer: NO_ACCEPT },
  { what: 'in HTTP/2.0', version: 'HTTP/2.0', status: 505, answer: NO_ACCEPT },
  { what: 'for a path that is none', path: '/api/v1/nothing', status: 404, answer: NO_ACCEPT },
  { what: 'for a path without WebSocket', path: '/healthz', status: 200, answer: NO_ACCEPT },
  {
    what: 'without a token',
    change: { Authorization: undefined },
    status: 401,
    answer: { ...NO_ACCEPT, 'WWW-Authenticate': ['Bearer'] },
  },
].map((row) => ({ section: '4.2.1', ...row }));

function everyOther(name: string): string {
  return [...name].map((letter, n) => (n % 2 ? letter.toUpperCase() : letter.toLowerCase())).join('');
}

export const handshakes: readonly Handshake[] = [
  ...accepted,
  ...protocols,
  ...refused,
  ...twice,
  ...keyless,
  ...versions,
  ...requests,
];
