import { describe, expect, it } from 'vitest';
import { bearerToken, offeredProtocols } from '../../../src/server/auth/token-carriers.js';

describe('an Authorization header', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer   abc  ', 'abc'],
    [' \tBEARER\t abc\t', 'abc'],
    ['', undefined],
    ['Bearer', undefined],
    ['Bearer a b', undefined],
    ['Basic abc', undefined],
  ])('%j carries the token %j', (header, token) => {
    expect(bearerToken(header)).toBe(token);
  });
});

describe('a Sec-WebSocket-Protocol header', () => {
  it.each([
    ['chat.v1, bearer.abc', { taken: 'chat.v1', token: 'abc' }],
    ['bearer.abc,chat.v1', { taken: 'chat.v1', token: 'abc' }],
    ['bearer.a, bearer.b', { taken: undefined, token: 'a' }],
    ['chat.v1', { taken: 'chat.v1', token: undefined }],
    ['chat.v2', { taken: 'chat.v2', token: undefined }],
    ['chat.v1, chat.v2,bearer.abc', { taken: 'chat.v2', token: 'abc' }],
    ['chat.v3', { taken: undefined, token: undefined }],
    ['', { taken: undefined, token: undefined }],
  ])('%j offers %j', (header, offers) => {
    expect(offeredProtocols(header)).toEqual(offers);
  });
});
