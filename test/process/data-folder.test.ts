import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENTRIES } from '../../src/data-folder/prepare.js';
import { openWriter } from '../../src/store/sqlite/database.js';
import { SCHEMA_VERSION } from '../../src/store/sqlite/upkeep/migrations.js';
import { png } from '../support/images.js';
import { temporaryFolder } from '../support/ledger.js';
import { exitOf, launch, SECRET, TestServer } from '../support/server.js';

const ME = process.getuid?.() ?? 0;
const NOBODY = 65_534;
/** Without its capabilities, root is held to rights like anybody else. */
const unprivileged = ME === 0 ? ['setpriv', '--bounding-set=-all'] : [];

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (...names: string[]) => join(folder.path, ...names);
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

/** What the program says, which must be one line, before it exits with 1. */
async function refusal(dataDir: string, args: readonly string[] = []): Promise<string> {
  const { process, output } = launch({ DATA_DIR: dataDir }, args, { through: unprivileged });
  expect(await exitOf(process)).toEqual({ code: 1, signal: null });
  expect(output.text).toMatch(/^parley: .*\n$/);
  return output.text.slice('parley: '.length, -1);
}

/** A folder in which a server has left what it leaves. */
function used(name: string, mode = 0o700): string {
  mkdirSync(at(name));
  mkdirSync(at(name, 'tmp'));
  for (const file of ['parley.db', 'ledger.lock', 'jwt.secret']) writeFileSync(at(name, file), '');
  chmodSync(at(name), mode);
  return at(name);
}

const ANOTHER = 'set DATA_DIR to another folder';

describe('a DATA_DIR in which no server can work', () => {
  const make: Record<string, () => { path: string; problem: string }> = {
    'in proc, which makes no folders': () => ({
      path: '/proc/parley',
      problem: `is in a file system of the kernel (proc), which keeps no files; ${ANOTHER}`,
    }),
    'of a user who lets no other in': () => {
      if (ME !== 0) return refused('/etc', 0, '0755');
      mkdirSync(at('foreign'), { mode: 0o700 });
      chownSync(at('foreign'), NOBODY, NOBODY);
      return refused(at('foreign'), NOBODY, '0700');
    },
    'that may not be written': () => {
      mkdirSync(at('own'));
      chmodSync(at('own'), 0o500);
      return mine(at('own'), at('own'), '0500');
    },
    'that cannot be made': () => {
      mkdirSync(at('closed'));
      chmodSync(at('closed'), 0o500);
      return closed(at('closed', 'a', 'b'), at('closed'), '0500');
    },
    'under a folder that may not be entered': () => {
      mkdirSync(at('shut', 'a'), { recursive: true });
      chmodSync(at('shut'), 0o600);
      return closed(at('shut', 'a'), at('shut'), '0600');
    },
    'with a database that may not be written': () => {
      chmodSync(join(used('read-only'), 'parley.db'), 0o400);
      return mine(at('read-only'), at('read-only', 'parley.db'), '0400');
    },
    'with a lock that may not be read': () => {
      chmodSync(join(used('unreadable'), 'ledger.lock'), 0);
      return mine(at('unreadable'), at('unreadable', 'ledger.lock'), '0000');
    },
    'with uploads that may not be written': () => {
      chmodSync(join(used('no-uploads'), 'tmp'), 0o500);
      return mine(at('no-uploads'), at('no-uploads', 'tmp'), '0500');
    },
    'with a secret that may not be read': () => {
      chmodSync(join(used('secret'), 'jwt.secret'), 0);
      return mine(at('secret'), at('secret', 'jwt.secret'), '0000');
    },
  };

  /** The problem of a folder of one's own, of which a part has these rights. */
  function mine(path: string, part: string, mode: string): { path: string; problem: string } {
    const rights = `it belongs to uid ${ME} and has mode ${mode} (EACCES)`;
    const problem = `cannot be used: uid ${ME} may not use ${part}, as ${rights}; let its owner: chmod -R u+rwX ${path}`;
    return { path, problem };
  }

  /** The problem of a folder that is closed off by one above it. */
  function closed(path: string, above: string, mode: string): { path: string; problem: string } {
    const rights = `it belongs to uid ${ME} and has mode ${mode} (EACCES)`;
    const give = `give the folder to uid ${ME} (as root: mkdir -p ${path} && chown -R ${ME} ${path})`;
    return { path, problem: `cannot be used: uid ${ME} may not use ${above}, as ${rights}; ${give}` };
  }

  /** The problem of a folder of somebody else's. */
  function refused(path: string, owner: number, mode: string): { path: string; problem: string } {
    const rights = `it belongs to uid ${owner} and has mode ${mode} (EACCES)`;
    const give = `give the folder to uid ${ME} (as root: mkdir -p ${path} && chown -R ${ME} ${path})`;
    const problem = `cannot be used: uid ${ME} may not use ${path}, as ${rights}; ${give}, or run this as uid ${owner}`;
    return { path, problem };
  }

  it.concurrent.each(
    Object.entries(make),
  )('%s: it says so in one line, with what to do, and exits with 1', async (_what, made) => {
    const { path, problem } = made();
    expect(await refusal(path)).toBe(`DATA_DIR ${path} ${problem}`);
  });

  it('is refused by the ledger that pm2 starts in the same line', async () => {
    expect(await refusal('/proc/parley', ['ledger'])).toBe(
      `DATA_DIR /proc/parley is in a file system of the kernel (proc), which keeps no files; ${ANOTHER}`,
    );
  });

  it.concurrent.each([
    ['token', '--sub', '1'],
    ['token', '--check', 'a.b.c'],
    ['revoke', '--sub', '1'],
    ['demo'],
    ['restore', '/dev/null'],
  ])('is named by %s in one line too', async (...args) => {
    const path = at(`for-${args.join('').replaceAll('/', '')}`);
    writeFileSync(path, '');
    expect(await refusal(path, args)).toBe(`DATA_DIR ${path} is not a folder; ${ANOTHER}`);
  });
});

it('what another user made is named by the commands that need it', async () => {
  const path = used('shared');
  for (const name of ['jwt.secret', 'parley.db']) chmodSync(join(path, name), 0);
  writeFileSync(join(path, 'ledger.sock'), '', { mode: 0 });
  const secret = await refusal(path, ['token', '--sub', '1']);
  expect(secret).toContain(`may not use ${join(path, 'jwt.secret')}, as`);
  expect(await refusal(path, ['token', '--check', 'a.b.c'])).toBe(secret);
  expect(await refusal(path, ['demo'])).toBe(secret);
  expect(await refusal(path, ['revoke', '--sub', '1'])).toContain(
    `may not use ${join(path, 'ledger.sock')}, as`,
  );
});

describe('a database that cannot be used', () => {
  it('because it is none: it says so in one line', async () => {
    mkdirSync(at('none'));
    writeFileSync(at('none', 'parley.db'), 'This is a letter to nobody, and no database.');
    expect(await refusal(at('none'))).toBe(
      `the database in ${at('none')} is damaged, restore a backup: file is not a database`,
    );
  });

  it('because it is from a newer version: it says so in one line', async () => {
    mkdirSync(at('newer'));
    const db = openWriter(at('newer'));
    db.pragma('user_version = 1000');
    db.close();
    expect(await refusal(at('newer'))).toBe(
      `the database in ${at('newer')} is from a newer parley, start that one or restore a backup: it has schema 1000, and this version knows up to ${SCHEMA_VERSION}`,
    );
  });
});

it('any name that a folder can have works, and what a server leaves there is what the check looks at', async () => {
  const path = at('a folder', '"ünïcode" 📁\nof two lines');
  const server = await TestServer.start({ workers: 1, dataDir: path, env: { JWT_SECRET: '' } });
  await server.stop();
  const again = await TestServer.start({ workers: 1, dataDir: path, env: { JWT_SECRET: SECRET } });
  const form = new FormData();
  const alice = await again.stranger('Alice');
  form.set('json', JSON.stringify({ username: 'alice', name: 'Alice' }));
  form.set('photo', new Blob([png(10, 10)]), 'photo.png');
  expect((await alice.post('/user', form)).status).toBe(200);
  const left = readdirSync(path);
  await again.stop();
  expect(left).toContain('parley.db-wal');
  expect(left.filter((name) => !Object.hasOwn(ENTRIES, name))).toEqual(['jwt.secret']);
});
