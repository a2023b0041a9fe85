import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as pathOf } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitOf, launch, TestServer } from '../support/server.js';
import { ask, stopUnharmed } from '../support/strict.js';
import { sign } from '../support/tokens.js';

let dataDir: string;
let server: TestServer;
beforeAll(async () => {
  dataDir = await mkdtemp(pathOf(tmpdir(), 'parley-secret-'));
  server = await start();
});
afterAll(async () => {
  await stopUnharmed(server);
  await rm(dataDir, { recursive: true });
});

/** An empty variable counts as not set. */
function start(): Promise<TestServer> {
  return TestServer.start({ workers: 1, dataDir, env: { JWT_SECRET: '' } });
}

async function mint(args: string[], env: Record<string, string> = {}) {
  const { process, output } = launch({ DATA_DIR: dataDir, ...env }, ['token', ...args]);
  const { code } = await exitOf(process);
  return { code, text: output.text };
}

const me = (token: string) => ask(server, 'GET', '/api/v1/user', { token });
const secret = async () => (await readFile(pathOf(dataDir, 'jwt.secret'), 'utf8')).trim();

describe('without a configured key', () => {
  it('the server makes a secret that the owner of the folder alone can read', async () => {
    const { mode } = await stat(pathOf(dataDir, 'jwt.secret'));
    expect(mode & 0o777).toBe(0o600);
    expect(Buffer.byteLength(await secret())).toBeGreaterThanOrEqual(32);
  });

  it('says so in one line of the log, and never shows it', async () => {
    const lines = server.output.split('\n').filter((line) => line.includes('jwt.secret'));
    expect(lines).toHaveLength(1);
    expect(server.output).not.toContain(await secret());
  });

  it('`token --sub 1` mints a token for user 1, and prints nothing else', async () => {
    const { code, text } = await mint(['--sub', '1']);
    expect(code).toBe(0);
    expect(text).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const body = JSON.stringify({ username: 'first', name: 'First' });
    const headers = { 'content-type': 'application/json' };
    const token = text.trim();
    expect((await ask(server, 'POST', '/api/v1/user', { token, headers, body })).status).toBe(200);
    expect((await me(token)).body.id).toBe(1);
  });

  it('`token` mints for any other subject, and with an end', async () => {
    const mapped = await mint(['--sub', 'auth0|x', '--expires', '1h']);
    expect((await me(mapped.text.trim())).status).toBe(404);
    const claims = JSON.parse(Buffer.from(mapped.text.split('.')[1] ?? '', 'base64url').toString()) as Record<
      string,
      unknown
    >;
    expect(claims).toMatchObject({ sub: 'auth0|x', exp: expect.any(Number) });
  });

  it('a token of another secret is 401', async () => {
    expect((await me(await sign({ sub: 1 }))).status).toBe(401);
    expect((await me(await sign({ sub: 1 }, 'HS256', ''.padEnd(32, 'x')))).status).toBe(401);
  });

  it('the secret stays over a restart', async () => {
    const { text } = await mint(['--sub', '77']);
    const before = await secret();
    await stopUnharmed(server);
    server = await start();
    expect(await secret()).toBe(before);
    expect((await me(text.trim())).status).toBe(404);
  });
});

describe('a secret that is too short', () => {
  it('is one line and exit code 1, and stays as it is', async () => {
    const folder = await mkdtemp(pathOf(tmpdir(), 'parley-short-'));
    const file = pathOf(folder, 'jwt.secret');
    for (const text of ['short', '', ' '.repeat(40), `${'x'.repeat(31)}\n`]) {
      await writeFile(file, text);
      const { process, output } = launch({ DATA_DIR: folder, WORKERS: '1', LOG_LEVEL: 'silent' });
      expect(await exitOf(process)).toEqual({ code: 1, signal: null });
      expect(output.text).toBe(`parley: ${file} must hold at least 32 bytes\n`);
      expect(await readFile(file, 'utf8')).toBe(text);
    }
    await rm(folder, { recursive: true });
  });
});

describe('the token command', () => {
  it('exits 1 with a sentence when it cannot mint', async () => {
    const empty = await mkdtemp(pathOf(tmpdir(), 'parley-empty-'));
    for (const result of [
      await mint([]),
      await mint(['--sub', '']),
      await mint(['--what']),
      await mint(['--sub', '1', '--expires', '99999y']),
      await mint(['--sub', '1'], { DATA_DIR: empty }),
    ]) {
      expect(result.code).toBe(1);
      expect(result.text).toMatch(/^parley: /);
      expect(result.text).not.toMatch(/^ {4}at /m);
    }
    await rm(empty, { recursive: true });
  });
});
