import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Authenticator, type AuthOptions } from '../../../src/server/auth/authenticator.js';
import type { CachedJwks } from '../../../src/server/auth/jwks.js';
import { KeyServer, LoginKey } from '../../support/key-server.js';
import { until } from '../../support/wait.js';

const MIB = 1024 * 1024;

const options = (keySetUrl: string): AuthOptions => ({
  key: { keySetUrl },
  algorithms: ['RS256', 'ES256'],
  idClaim: 'sub',
  issuer: undefined,
  audience: undefined,
  requireExp: false,
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

describe('where the set is to be kept', () => {
  /** One that cannot be kept at first, or is no set. */
  function authenticatorWith(login: KeyServer, kept: CachedJwks) {
    const said = { failed: 0, notKept: 0 };
    const auth = new Authenticator(options(login.url), undefined, Date.now, {
      jwksFailed: () => {
        said.failed += 1;
      },
      jwksNotCached: () => {
        said.notKept += 1;
      },
      cachedJwks: kept,
    });
    return { auth, said };
  }

  it('it is in use when it cannot be, and kept when it is read again', async () => {
    const key = new LoginKey('one', 'ES256');
    const login = await KeyServer.start();
    login.keys = [key.jwk];
    const written: string[] = [];
    const { auth, said } = authenticatorWith(login, {
      read: () => undefined,
      write: (text) => {
        if (said.notKept === 0) throw new Error('the disk is full');
        written.push(text);
      },
    });
    await auth.verify(await key.sign({ sub: 1 }));
    expect([said, written]).toEqual([{ failed: 0, notKept: 1 }, []]);
    const other = new LoginKey('other', 'ES256');
    for (let time = 1; time <= 2; time++) {
      const later = performance.now() + 6000;
      const spy = vi.spyOn(performance, 'now').mockImplementation(() => later);
      await auth.verify(await other.sign({ sub: 1 })).catch(() => undefined);
      spy.mockRestore();
      expect([said, written.length]).toEqual([{ failed: 0, notKept: 1 }, 1]);
    }
    expect(JSON.parse(written[0] ?? '')).toEqual({ keys: [key.jwk] });
    auth.close();
    await login.stop();
  });

  it('what is kept and is no set is as good as nothing', async () => {
    const key = new LoginKey('one', 'ES256');
    const login = await KeyServer.start();
    await login.stop();
    const { auth, said } = authenticatorWith(login, { read: () => '{"keys":1}', write: () => undefined });
    await expect(auth.verify(await key.sign({ sub: 1 }))).rejects.toMatchObject({ code: 'unavailable' });
    expect(said).toEqual({ failed: 2, notKept: 0 });
    auth.close();
  });
});

describe('a set of keys that is none', () => {
  let login: Server;
  afterEach(() => {
    login.closeAllConnections();
    return new Promise((resolve) => login.close(resolve));
  });

  /** Why the set at a login that answers so could not be had. */
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
    expect(String(error)).toMatch(/more than a set of keys/);
    expect(sent).toBeLessThan(32 * MIB);
  });

  it('is given up when it does not end, whatever is collected as garbage meanwhile', async () => {
    setFlagsFromString('--expose_gc');
    const collecting = setInterval(runInNewContext('gc') as () => void, 100);
    const error = await failure((response) => void response.writeHead(200).write('{'));
    clearInterval(collecting);
    expect(String(error)).toMatch(/aborted/);
  }, 15_000);
});
