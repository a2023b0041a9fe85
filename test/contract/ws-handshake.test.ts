import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawRequest } from '../support/raw.js';
import { TestServer } from '../support/server.js';
import type { TestUser } from '../support/user.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='; // RFC 6455, 1.3
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

let server: TestServer;
let alice: TestUser;
beforeAll(async () => {
  server = await TestServer.shared();
  alice = await server.user('Alice');
});
afterAll(() => server.stop());

/** A handshake by hand; a header that is undefined is left out. */
function handshake(changed: Record<string, string | undefined> = {}, more: string[] = []) {
  const headers: Record<string, string | undefined> = {
    Host: `127.0.0.1:${server.port}`,
    Authorization: `Bearer ${alice.token}`,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13',
    ...changed,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}: ${value}`,
  );
  return rawRequest(server.port, ['GET /api/v1/main HTTP/1.1', ...lines, ...more]);
}

describe('a handshake', () => {
  it('is answered with 101 and the key that RFC 6455 asks for', async () => {
    const { status, head } = await handshake();
    expect(status).toBe(101);
    expect(head).toMatch(new RegExp(`^sec-websocket-accept: ${ACCEPT.replaceAll('+', '\\+')}$`, 'im'));
  });

  it('may write its headers as other clients do', async () => {
    expect((await handshake({ Connection: 'keep-alive, Upgrade' })).status).toBe(101);
    expect((await handshake({ Upgrade: 'WebSocket', Connection: 'upgrade' })).status).toBe(101);
  });

  it('may spread a list over several lines', async () => {
    expect((await handshake({}, ['Connection: keep-alive'])).status).toBe(101);
    expect((await handshake({ Connection: 'keep-alive' }, ['Connection: Upgrade'])).status).toBe(101);
  });

  it('may offer the protocol and the token in two lines, in either order', async () => {
    const offers = ['chat.v1', `bearer.${alice.token}`].map((offer) => `Sec-WebSocket-Protocol: ${offer}`);
    for (const lines of [offers, [...offers].reverse()]) {
      const { status, head } = await handshake({ Authorization: undefined }, lines);
      expect(status).toBe(101);
      expect(head).toMatch(/^sec-websocket-protocol: chat\.v1$/im);
    }
  });

  it('of version 8 without a token is answered with 401, before anything else', async () => {
    const old = { Authorization: undefined, 'Sec-WebSocket-Version': '8' };
    expect((await handshake(old)).status).toBe(401);
    expect((await handshake(old, ['Sec-WebSocket-Protocol: chat.v1'])).status).toBe(401);
    expect((await handshake({ ...old, Authorization: 'Bearer x' })).status).toBe(401);
  });

  it('of version 8 is answered with 426 and the version that is spoken', async () => {
    for (const version of ['8', '7', '14', undefined]) {
      const { status, head } = await handshake({ 'Sec-WebSocket-Version': version });
      expect([version, status]).toEqual([version, 426]);
      expect(head).toMatch(/^sec-websocket-version: 13$/im);
      expect(head).toMatch(/^upgrade: websocket$/im);
    }
  });

  it('without Upgrade, or without Connection, is answered with 400', async () => {
    expect((await handshake({ Upgrade: undefined })).status).toBe(400);
    expect((await handshake({ Upgrade: 'h2c' })).status).toBe(400);
    expect((await handshake({ Connection: undefined })).status).toBe(400);
    expect((await handshake({ Connection: 'keep-alive' })).status).toBe(400);
  });

  it('with a key that is not of 16 bytes, or with two, is answered with 400', async () => {
    for (const key of ['AAAAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAAA=', '!!!!!!!!!!!!!!!!!!!!!!==']) {
      expect((await handshake({ 'Sec-WebSocket-Key': key })).status).toBe(400);
    }
    expect((await handshake({}, [`Sec-WebSocket-Key: ${KEY}`])).status).toBe(400);
  });

  it('with two tokens, or two hosts, is answered with 400', async () => {
    expect((await handshake({}, [`Authorization: Bearer ${alice.token}`])).status).toBe(400);
    expect((await handshake({}, ['Host: elsewhere'])).status).toBe(400);
  });

  it('does not switch compression on', async () => {
    const { status, head } = await handshake({ 'Sec-WebSocket-Extensions': 'permessage-deflate' });
    expect(status).toBe(101);
    expect(head).not.toMatch(/permessage-deflate/i);
  });
});

describe('a plain GET', () => {
  it('on a WebSocket path is answered with 426', async () => {
    for (const path of ['/main', '/chat/1', '/group/1', '/chat/1?limit=5']) {
      const answer = await alice.get(path);
      expect(answer).toMatchObject({ status: 426, body: { status: 'error', code: 'upgrade_required' } });
      expect(answer.headers.get('upgrade')).toBe('websocket');
    }
  });

  it('without a token is answered with 401', async () => {
    expect((await alice.send('GET', '/main', undefined, { authorization: '' })).status).toBe(401);
  });
});

describe('another method', () => {
  it('on main is answered with 405 and what is allowed', async () => {
    const answer = await alice.post('/main', {});
    expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(answer.headers.get('allow')).toBe('GET');
  });
});
