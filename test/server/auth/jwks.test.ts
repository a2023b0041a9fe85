import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AuthOptions } from '../../../src/server/auth/auth-options.js';
import { Authenticator } from '../../../src/server/auth/authenticator.js';
import type { JwksStore } from '../../../src/server/auth/jwks-cache.js';
import { KeyServer, LoginKey } from '../../support/key-server.js';
import { until } from '../../support/wait.js';

const MIB = 1024 * 1024;

const options = (jwksUrl: string): AuthOptions => ({
  key: { jwksUrl },
  algorithms: ['RS256', 'ES256'],
  idClaim: 'sub',
  issuers: undefined,
  audiences: undefined,
  requireExp: false,
  leewaySeconds: 30,
});

describe('when the keys change', () => {
  let login: KeyServer;
  beforeEach(async () => {
    login = await KeyServer.start();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await login.stop();
  });

  it('a token whose verification was under way is not remembered', async () => {
    const [gone, next] = [new LoginKey('gone', 'RS256'), new LoginKey('next', 'ES256')];
    login.keys = [gone.jwk];
    const auth = new Authenticator(options(login.url), undefined, Date.now);
    const old = await Promise.all(Array.from({ length: 300 }, (_, jti) => gone.sign({ sub: 1, jti })));
    const [first = '', ...others] = old;
    await auth.verify(first);
    login.keys = [next.jwk];
    const later = performance.now() + 6000;
    vi.spyOn(performance, 'now').mockImplementation(() => later);
    const changed = auth.verify(await next.sign({ sub: 1 }));
    const verdicts: Promise<unknown>[] = [];
    for (let turn = 0; auth.verifyNow(first) !== undefined; turn++) {
      const token = others[turn % others.length] ?? '';
      if (auth.verifyNow(token) === undefined) verdicts.push(auth.verify(token).catch(() => 'refused'));
      await nextTurn();
    }
    await Promise.all([changed, ...verdicts]);
    expect(old.filter((token) => auth.verifyNow(token) !== undefined)).toEqual([]);
    auth.close();
  });
});

describe('a token of a key that is not known', () => {
  it('is a reason to fetch the JWKS again 5 s after the last time, and not before', async () => {
    const login = await KeyServer.start();
    // A whole number, so that the sum of the waits is exact.
    let now = Math.ceil(performance.now());
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const auth = new Authenticator(options(login.url), undefined, Date.now);
    try {
      const [one, next] = [new LoginKey('one', 'ES256'), new LoginKey('next', 'ES256')];
      login.keys = [one.jwk];
      await auth.verify(await one.sign({ sub: 1 }));
      login.keys = [one.jwk, next.jwk];
      const token = await next.sign({ sub: 1 });
      now += 4999;
      await expect(auth.verify(token)).rejects.toMatchObject({ code: 'unauthorized' });
      expect(login.asked).toBe(1);
      now += 1;
      await auth.verify(token);
      expect(login.asked).toBe(2);
    } finally {
      auth.close();
      vi.restoreAllMocks();
      await login.stop();
    }
  });
});

describe('the store of the JWKS', () => {
  /** Counts the events of an authenticator with this store. */
  function authenticatorWith(login: KeyServer, jwksStore: JwksStore) {
    const said = { failed: 0, notStored: 0 };
    const auth = new Authenticator(options(login.url), undefined, Date.now, {
      jwksFailed: () => {
        said.failed += 1;
      },
      jwksNotStored: () => {
        said.notStored += 1;
      },
      jwksStore,
    });
    return { auth, said };
  }

  it('may fail: the JWKS is in use, and stored after the next fetch', async () => {
    const key = new LoginKey('one', 'ES256');
    const login = await KeyServer.start();
    login.keys = [key.jwk];
    const written: string[] = [];
    const { auth, said } = authenticatorWith(login, {
      read: () => undefined,
      write: (text) => {
        if (said.notStored === 0) throw new Error('the disk is full');
        written.push(text);
      },
    });
    await auth.verify(await key.sign({ sub: 1 }));
    expect([said, written]).toEqual([{ failed: 0, notStored: 1 }, []]);
    const other = new LoginKey('other', 'ES256');
    for (let time = 1; time <= 2; time++) {
      const later = performance.now() + 6000;
      const spy = vi.spyOn(performance, 'now').mockImplementation(() => later);
      await auth.verify(await other.sign({ sub: 1 })).catch(() => undefined);
      spy.mockRestore();
      expect([said, written.length]).toEqual([{ failed: 0, notStored: 1 }, 1]);
    }
    expect(JSON.parse(written[0] ?? '')).toEqual({ keys: [key.jwk] });
    auth.close();
    await login.stop();
  });

  it('may hold what is no JWKS, which counts as nothing', async () => {
    const key = new LoginKey('one', 'ES256');
    const login = await KeyServer.start();
    await login.stop();
    const { auth, said } = authenticatorWith(login, { read: () => '{"keys":1}', write: () => undefined });
    await expect(auth.verify(await key.sign({ sub: 1 }))).rejects.toMatchObject({ code: 'unavailable' });
    expect(said).toEqual({ failed: 2, notStored: 0 });
    auth.close();
  });
});

describe('an answer that is no JWKS', () => {
  let login: Server;
  afterEach(() => {
    login.closeAllConnections();
    return new Promise((resolve) => login.close(resolve));
  });

  /** Resolves to the error that is reported when the login answers so. */
  async function failure(answer: (response: ServerResponse) => void): Promise<unknown> {
    login = createServer((_request, response) => answer(response));
    await new Promise<void>((resolve) => login.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(login.address() as AddressInfo).port}/keys`;
    let error: unknown;
    const auth = new Authenticator(options(url), undefined, Date.now, {
      jwksFailed: (cause) => {
        error = cause;
      },
    });
    await until(() => error);
    auth.close();
    return error;
  }

  it.each([
    ['as it is', Buffer.alloc(MIB, ' '), {}],
    ['compressed', gzipSync(Buffer.alloc(64 * MIB, ' ')), { 'content-encoding': 'gzip' }],
  ])('is given up after its first MiB: %s', async (_what, piece, headers: Record<string, string>) => {
    let sent = 0;
    const error = await failure((response) => {
      response.writeHead(200, { connection: 'close', ...headers });
      const write = () => {
        while (!response.destroyed && response.write(piece)) sent += piece.length;
      };
      response.on('drain', write);
      write();
    });
    expect(String(error)).toMatch(/more than 1048576 bytes/);
    expect(sent).toBeLessThan(32 * MIB);
  });

  it('is given up when it does not end, whatever is collected as garbage meanwhile', async () => {
    setFlagsFromString('--expose_gc');
    const collecting = setInterval(runInNewContext('gc') as () => void, 100);
    const error = await failure((response) => void response.writeHead(200).write('{'));
    clearInterval(collecting);
    expect(String(error)).toMatch(/aborted/);
  });
});
