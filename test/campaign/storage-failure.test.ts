import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { historyOf, idOf, live, numbered, saysAll, textOf } from '../support/chat.js';
import { exitOf, TestServer } from '../support/server.js';
import type { Frame } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

const MESSAGES = 30;

/** Every sync of this process fails from when this resolves to its end. */
async function failSyncs(pid: number): Promise<ChildProcess> {
  const syncs = 'fsync,fdatasync';
  const args = ['-f', '-p', String(pid), '-e', `trace=${syncs}`, '-e', `inject=${syncs}:error=EIO`];
  const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  strace.on('error', () => undefined);
  let said = '';
  strace.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until(() => {
    if (strace.pid === undefined || strace.exitCode !== null)
      throw new Error(`strace must be installed, and may trace: ${said}`);
    return said.includes('attached');
  });
  return strace;
}

/** The system refuses this process every write beyond the first page of a file, as too big. */
function failWrites(pid: number): undefined {
  const set = spawnSync('prlimit', ['--pid', String(pid), '--fsize=4096:']);
  if (set.status !== 0) throw new Error(`no prlimit: ${set.stderr}`);
}

describe('when the storage fails', () => {
  let server: TestServer;
  let alice: TestUser;
  let bob: TestUser;
  let path: string;
  let tracer: ChildProcess | undefined;
  beforeEach(async () => {
    server = await TestServer.start({ workers: 2 });
    [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
    path = `/chat/${await alice.chatWith(bob)}`;
    tracer = undefined;
  });
  afterEach(async () => {
    await server.stop();
    if (tracer !== undefined) await exitOf(tracer);
  });

  it.each([
    ['a sync', (pid: number) => failSyncs(pid), 'SQLITE_IOERR_FSYNC'],
    ['a write', (pid: number) => failWrites(pid), 'SQLITE_IOERR_WRITE'],
  ])('at %s, the ledger ends with 70, and after its checks each message is stored and echoed once', async (_at, fail, code) => {
    const [hers, his] = [await live(alice, path), await live(bob, path)];
    await saysAll(hers, ['before']);
    const { ledger } = await server.pids();
    tracer = await fail(ledger);

    const texts = numbered('sent', MESSAGES).map((text) => text.padEnd(2000));
    for (const text of texts) hers.says(text, text.trim());
    const echoes: Frame[] = [];
    for (const text of texts) echoes.push(await hers.hears(text));
    expect(server.logOf('primary')).toMatchObject([{ child: 'ledger', exit: 'exit code 70' }]);
    // A message has the time of its batch: none is of a batch of the ledger that failed.
    const failedAt = server.logOf('ledger').find(({ level }) => level === 'fatal')?.['time'];
    for (const { time } of echoes) expect(Date.parse(time)).toBeGreaterThan(Date.parse(String(failedAt)));
    await his.hears('before');
    for (const text of texts) await his.hears(text);
    const stored = await historyOf(bob, path);
    expect(stored.map(textOf)).toEqual(['before', ...texts]);
    expect(stored.map(idOf)).toEqual([...new Set(stored.map(idOf))]);
    expect([hers.frames.length, his.frames.length]).toEqual([2 + MESSAGES, 2 + MESSAGES]);

    const [checking, ...more] = server
      .logOf('ledger')
      .filter(({ msg }) => String(msg).includes('checked first'));
    expect(checking).toMatchObject({ failure: expect.stringContaining(code) });
    expect(more).toEqual([]);
    expect(existsSync(join(server.dataDir, 'storage-failed'))).toBe(false);
  });
});
