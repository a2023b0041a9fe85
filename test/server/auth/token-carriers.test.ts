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
    ['chat.v1, bearer.abc', { chatV1: true, token: 'abc' }],
    ['bearer.abc,chat.v1', { chatV1: true, token: 'abc' }],
    ['bearer.a, bearer.b', { chatV1: false, token: 'a' }],
    ['chat.v1', { chatV1: true, token: undefined }],
    ['chat.v2', { chatV1: false, token: undefined }],
    ['', { chatV1: false, token: undefined }],
  ])('%j offers %j', (header, offers) => {
    expect(offeredProtocols(header)).toEqual(offers);
  });
});
