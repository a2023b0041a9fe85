import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { wsUrl } from '../support/chat.js';
import { png } from '../support/images.js';
import { jsonPart, multipartBody, photoPart } from '../support/multipart.js';
import { RawUpload } from '../support/raw-upload.js';
import { exitOf, launch, SECRET, TestServer } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import { ask, expectRefusal, stopUnharmed } from '../support/strict.js';
import { forge, nowSeconds, sign } from '../support/tokens.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.shared();
});
afterAll(() => stopUnharmed(server));

async function revoke(
  args: readonly string[],
  dataDir = server.dataDir,
): Promise<{ code: number | null; text: string }> {
  const { process, output } = launch({ JWT_SECRET: SECRET, DATA_DIR: dataDir }, ['revoke', ...args]);
  const { code } = await exitOf(process);
  return { code, text: output.text.trim() };
}

const HOUR = 3600;
const issued = (user: TestUser, iat: number) => sign({ sub: user.id, iat });
const me = (token: string) => ask(server, 'GET', '/api/v1/user', { token });
const connect = (token: string, user: TestUser, path = '/main') =>
  TestSocket.open(wsUrl(user, path), { headers: { authorization: `Bearer ${token}` } });
/** As often as it takes to meet both workers. */
const OFTEN = 20;

describe('a revocation', () => {
  it('closes the open sockets of the user, whatever worker they are on', async () => {
    const [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
    const token = await issued(alice, nowSeconds() - 60);
    const paths = ['/main', `/chat/${await alice.chatWith(bob)}`, `/group/${await alice.groupWith(bob)}`];
    const sockets = await Promise.all(
      Array.from({ length: OFTEN }, (_, n) => connect(token, alice, paths[n % paths.length])),
    );
    const bobs = await bob.connect('/main');
    expect((await revoke(['--sub', String(alice.id)])).code).toBe(0);
    for (const socket of sockets)
      expect(await socket.closed()).toEqual({ code: 4401, reason: 'token revoked' });
    expect(bobs.isOpen).toBe(true);
    await bobs.close();
  });

  it('makes older tokens void, and those that do not say how old they are, and no other', async () => {
    const [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
    const now = nowSeconds();
    const old = [
      await issued(alice, now - 10),
      await sign({ sub: alice.id }),
      await sign({ sub: String(alice.id), iat: 0 }),
    ];
    const good = [await issued(bob, now - 10), await sign({ sub: bob.id })];
    for (const token of [...old, ...good]) expect((await me(token)).status).toBe(200);
    const { code, text } = await revoke(['--sub', String(alice.id)]);
    expect(code).toBe(0);
    expect(text).toMatch(/^tokens for "\d+" that were issued before \S+Z are revoked$/);
    await until(async () => (await me(old[0] ?? '')).status === 401);
    good.unshift(await issued(alice, nowSeconds() + 1));
    for (let times = 0; times < OFTEN; times++) {
      for (const token of old) expectRefusal(await me(token), 401, 'unauthorized');
      for (const token of good) expect((await me(token)).status).toBe(200);
    }
    for (const token of old) await expect(connect(token, alice)).rejects.toThrow('401');
    await (await connect(good[0] ?? '', alice)).close();
  });

  it('can be of an earlier time, and is never taken back by one', async () => {
    const alice = await server.user('Alice');
    const now = nowSeconds();
    const [older, newer] = [await issued(alice, now - 200), await issued(alice, now - 50)];
    const socket = await connect(newer, alice);
    const at = new Date((now - 100) * 1000).toISOString();
    expect((await revoke(['--sub', String(alice.id), '--before', at])).text).toContain(`before ${at} `);
    await until(async () => (await me(older)).status === 401);
    expect((await me(newer)).status).toBe(200);
    expect((await revoke(['--sub', String(alice.id), '--before', String(now - 1000)])).code).toBe(0);
    expectRefusal(await me(older), 401, 'unauthorized');
    expect(socket.isOpen).toBe(true);
    await socket.close();
  });

  it('spares a socket that has brought a newer token', async () => {
    const alice = await server.user('Alice');
    const now = nowSeconds();
    const [kept, lost] = await Promise.all(
      [1, 2].map(async () => connect(await issued(alice, now - 60), alice)),
    );
    kept?.send({ type: 'auth', token: await issued(alice, now - 10) });
    kept?.send({ type: 'message', text: 'not here' });
    await kept?.nextOf('error');
    await revoke(['--sub', String(alice.id), '--before', String(now - 30)]);
    expect(await lost?.closed()).toMatchObject({ code: 4401 });
    expect(kept?.isOpen).toBe(true);
    kept?.send({ type: 'auth', token: await issued(alice, now - 40) });
    expect(await kept?.nextOf('error')).toMatchObject({ code: 'unauthorized' });
    await kept?.close();
  });

  it('closes a socket that stays only for what is revoked, whatever it has brought beside', async () => {
    const alice = await server.user('Alice');
    const now = nowSeconds();
    const brief = await sign({ sub: alice.id, iat: now - 10, exp: now + HOUR });
    const sockets = await Promise.all([
      connect(await issued(alice, now - 60), alice).then((socket) => ({ socket, token: brief })),
      connect(brief, alice).then(async (socket) => ({ socket, token: await issued(alice, now - 60) })),
    ]);
    for (const { socket, token } of sockets) {
      socket.send({ type: 'auth', token });
      socket.send({ type: 'message', text: 'not here' });
      await socket.nextOf('error');
    }
    await revoke(['--sub', String(alice.id), '--before', String(now - 30)]);
    for (const { socket } of sockets) expect(await socket.closed()).toMatchObject({ code: 4401 });
  });

  it('refuses what a request brings that began before it', async () => {
    const alice = await server.user('Alice');
    const body = multipartBody([jsonPart({ name: 'late' }), photoPart(png(20, 20, Buffer.alloc(2000)))]);
    const upload = await RawUpload.begin(server.port, '/group', await issued(alice, nowSeconds() - 60), [
      `Content-Length: ${body.length}`,
    ]);
    await upload.write(body.subarray(0, -200));
    await revoke(['--sub', String(alice.id)]);
    const old = await issued(alice, nowSeconds() - 60);
    for (let times = 0; times < OFTEN; times++) await until(async () => (await me(old)).status === 401);
    await upload.write(body.subarray(-200));
    expect(await upload.status()).toBe('401');
    expect(
      (await ask(server, 'GET', '/api/v1/chats', { token: await issued(alice, nowSeconds() + 1) })).body,
    ).toMatchObject({ code: 'chats_not_found' });
  });

  it('is what `token --check` says of an older token', async () => {
    const alice = await server.user('Alice');
    const now = nowSeconds();
    const check = async (token: string) => {
      const env = { JWT_SECRET: SECRET, DATA_DIR: server.dataDir };
      const { process, output } = launch(env, ['token', `--check=${token}`]);
      await exitOf(process);
      return output.text;
    };
    await revoke(['--sub', String(alice.id)]);
    expect(await check(await issued(alice, now - 1))).toContain('refuses the token: it is revoked');
    expect(await check(await issued(alice, nowSeconds() + 1))).toContain('takes the token');
    expect(await check(await issued(alice, Date.now()))).toMatch(
      /it is revoked: its iat \(\d{13}\) is not in seconds, but as it seems in milliseconds, which does not show/,
    );
  });

  it('is not survived by tokens whose iat cannot be the time of their issue, nor by their sockets', async () => {
    const alice = await server.user('Alice');
    const ahead = [nowSeconds() + HOUR, Date.now(), Date.now() * 1e6, 1e300, -1];
    const tokens = await Promise.all(ahead.map((iat) => issued(alice, iat)));
    tokens.push(forge({ alg: 'HS256' }, `{"sub":${alice.id},"iat":1e999}`));
    for (const token of tokens) expect((await me(token)).status).toBe(200);
    const sockets = await Promise.all(tokens.map((token) => connect(token, alice)));
    const renewed = await connect(await issued(alice, nowSeconds() - 60), alice);
    renewed.send({ type: 'auth', token: tokens[1] });
    renewed.send({ type: 'message', text: 'not here' });
    await renewed.nextOf('error');
    const good = await connect(await issued(alice, nowSeconds() - 10), alice);
    expect((await revoke(['--sub', String(alice.id), '--before', String(nowSeconds() - 30)])).code).toBe(0);
    for (const socket of [...sockets, renewed])
      expect(await socket.closed()).toEqual({ code: 4401, reason: 'token revoked' });
    for (const token of tokens) {
      await until(async () => (await me(token)).status === 401);
      for (let times = 0; times < OFTEN; times++) expectRefusal(await me(token), 401, 'unauthorized');
      await expect(connect(token, alice)).rejects.toThrow('401');
      good.send({ type: 'auth', token });
      expect(await good.nextOf('error')).toMatchObject({ code: 'unauthorized' });
    }
    expect(good.isOpen).toBe(true);
    await good.close();
  });

  it('says when it is of what looks like an id and not like a subject', async () => {
    const { code, text } = await revoke(['--sub', '1000000000001']);
    expect([code, text.split('\n').length]).toEqual([0, 2]);
    expect(text).toContain('this looks like an id that parley assigned');
    expect((await revoke(['--sub', '999999999999'])).text.split('\n')).toHaveLength(1);
  });

  it('is of any subject, with a profile or without', async () => {
    const subject = 'auth0|revoked';
    const token = await sign({ sub: subject, iat: nowSeconds() - 5 });
    expect((await me(token)).status).toBe(404);
    expect((await revoke(['--sub', subject])).code).toBe(0);
    await until(async () => (await me(token)).status === 401);
  });
});

it('a revocation outlives the server', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-revoked-'));
  const before = await TestServer.start({ workers: 1, dataDir });
  const alice = await before.user('Alice');
  const token = await issued(alice, nowSeconds() - 5);
  expect((await revoke(['--sub', String(alice.id)], dataDir)).code).toBe(0);
  await before.stop();
  const after = await TestServer.start({ workers: 2, dataDir });
  for (let times = 0; times < OFTEN; times++)
    expectRefusal(await ask(after, 'GET', '/api/v1/user', { token }), 401, 'unauthorized');
  await stopUnharmed(after);
  await rm(dataDir, { recursive: true });
});

describe('`revoke` refuses', () => {
  it.each([
    ['no user', [], '--sub must name the user'],
    ['two users', ['--sub', '1', '--sub', '2'], '--sub must be one user'],
    ['an empty user', ['--sub', ''], '--sub must name the user'],
    ['what is no time', ['--sub', '1', '--before', 'yesterday'], '--before must be a time'],
    ['a time to come', ['--sub', '1', '--before', '2999-01-01T00:00:00Z'], 'must not be in the future'],
    ['what it does not know', ['--sub', '1', '--user', '2'], 'usage: npm run revoke'],
  ])('%s', async (_what, args: string[], words) => {
    const { code, text } = await revoke(args);
    expect(code).toBe(1);
    expect(text).toContain(words);
  });
});
