import {
  ask,
  type Case,
  CHUNKED,
  chunk,
  closed,
  createGroup,
  deviating,
  HOST,
  head,
  JSON_TYPE,
  kept,
  lengthOf,
} from './case.js';

const BODY = '{"name":"expected"}';
const post = (...fields: string[]) => ask('POST /api/v1/group', JSON_TYPE, lengthOf(BODY), ...fields);

/** RFC 9110, 10.1.1. */
const expectations: Case[] = [
  kept('Expect: 100-continue, and the body later', [post('Expect: 100-continue'), BODY], 100, 200),
  kept('Expect: 100-continue with the body', post('Expect: 100-continue') + BODY, 100, 200),
  kept('Expect without a body', ask('GET /api/v1/user', 'Expect: 100-continue'), 100, 200),
  kept('Expect without a token', head('GET /api/v1/user HTTP/1.1', HOST, 'Expect: 100-continue'), 100, 401),
  kept('Expect where nothing is', ask('POST /api/v1/nothing', 'Expect: 100-continue'), 100, 404),
  ...deviating(
    '100-continue is heard in small letters only',
    kept('Expect: 100-Continue, and the body later', [post('Expect: 100-Continue'), BODY], 200),
  ),
  kept('another expectation, which may be ignored', post('Expect: the-unexpected') + BODY, 200),
];

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const WEBSOCKET = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', KEY];

/** RFC 9110, 7.8: a server may ignore Upgrade, and only WebSocket paths do not. */
const upgrades: Case[] = [
  kept('an upgrade to WebSocket on a path of the API', ask('GET /api/v1/user', ...WEBSOCKET), 200),
  kept('an upgrade to WebSocket on a probe', ask('GET /healthz', ...WEBSOCKET), 200),
  kept('an upgrade to WebSocket where nothing is', ask('GET /nothing', ...WEBSOCKET), 404),
  kept('an upgrade to WebSocket by POST', post(...WEBSOCKET) + BODY, 200),
  kept('an upgrade to WebSocket by POST, on its path', ask('POST /api/v1/main', ...WEBSOCKET), 405),
  kept(
    'an upgrade to HTTP/2',
    ask(
      'GET /api/v1/user',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABkAAQAAP__',
    ),
    200,
  ),
  kept('an upgrade to TLS', ask('OPTIONS /api/v1/user', 'Connection: Upgrade', 'Upgrade: TLS/1.0'), 405),
  kept('a key of WebSocket and no upgrade', ask('GET /api/v1/user', KEY), 200),
];

/** RFC 9112, 9.3 and 9.6. */
const connections: Case[] = [
  closed('Connection: close', ask('GET /api/v1/user', 'Connection: close'), 200),
  closed('Connection: Close', ask('GET /api/v1/user', 'Connection: Close'), 200),
  closed('Connection: close with a body', createGroup('expected', 'Connection: close', lengthOf(BODY)), 200),
  closed(
    'Connection: close with chunks',
    post('Connection: close').replace(lengthOf(BODY), CHUNKED) + chunk(BODY) + chunk(''),
    200,
  ),
  closed('Connection: close with a HEAD', ask('HEAD /api/v1/user', 'Connection: close'), 200),
  closed('Connection: close where nothing is', ask('GET /nothing', 'Connection: close'), 404),
  kept('Connection: keep-alive', ask('GET /api/v1/user', 'Connection: keep-alive'), 200),
  kept('Connection of nothing', ask('GET /api/v1/user', 'Connection:'), 200),
  ...deviating(
    'Connection is read by its length',
    kept('Connection: keep-alive, close', ask('GET /api/v1/user', 'Connection: keep-alive, close'), 200),
    kept('Connection: close and one more', ask('GET /api/v1/user', 'Connection: close, x'), 200),
    closed('Connection of any five letters', ask('GET /api/v1/user', 'Connection: other'), 200),
  ),
];

export const requests: readonly Case[] = [...expectations, ...upgrades, ...connections];
