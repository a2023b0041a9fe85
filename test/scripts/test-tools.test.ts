import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/test-tools.js', import.meta.url));

const ALL = ['redis-server', 'strace', 'nginx', 'haproxy'];

/** The only folder on the PATH. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-tools-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Puts a program there. */
function put(name: string, script = ''): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

/** An apt-get that keeps a list of what it was asked, and installs what is asked of it, unless it `fails`. */
function putApt(fails = false): void {
  const made = `for name in ${ALL.join(' ')}; do case "$*" in
    install*$name*) printf '#!/bin/sh\\n' > ${folder}/$name; /bin/chmod 755 ${folder}/$name;;
  esac; done`;
  put('apt-get', `echo "$*" >> ${folder}/asked\n${fails ? 'exit 100' : made}`);
  // For the case that the tests are not run by root.
  put('sudo', 'shift; [ "$1" = true ] && exit 0; exec "$@"');
}

function run(path = folder): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT], {
    env: { PATH: path },
    encoding: 'utf8',
  });
  expect(stdout).toBe('');
  return { status, said: stderr };
}

const asked = () => readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n');

describe('what the tests need from outside', () => {
  it('is left alone, without a word, when it is there', () => {
    for (const name of ALL) put(name);
    putApt();
    expect(run()).toEqual({ status: 0, said: '' });
    expect(asked).toThrow();
  });

  it('is installed when it is missing, with a word about it', () => {
    putApt();
    const { status, said } = run();
    expect(status).toBe(0);
    expect(said).toMatch(/installing redis-server, strace, nginx and haproxy,/);
    expect(asked()).toEqual([
      'update',
      'install -y --no-install-recommends redis-server strace nginx haproxy',
    ]);
    expect(run()).toEqual({ status: 0, said: '' });
  });

  it('is installed as far as it is missing', () => {
    for (const name of ['redis-server', 'nginx', 'haproxy']) put(name);
    putApt();
    expect(run().status).toBe(0);
    expect(asked().at(-1)).toBe('install -y --no-install-recommends strace');
  });

  it('is there when it is in the sbin beside a bin of the path', () => {
    const bin = join(folder, 'bin');
    for (const name of ['bin', 'sbin']) mkdirSync(join(folder, name));
    for (const name of ALL) put(join('sbin', name));
    expect(run(bin)).toEqual({ status: 0, said: '' });
  });

  it('ends the run with the command to give by hand when it cannot be installed', () => {
    putApt(true);
    const { status, said } = run();
    expect(status).toBe(1);
    expect(said).toContain(
      'sudo apt-get update && sudo apt-get install -y --no-install-recommends redis-server strace nginx haproxy',
    );
  });

  it('ends the run at once on a system with another package manager', () => {
    for (const name of ['strace', 'nginx', 'haproxy']) put(name);
    const { status, said } = run();
    expect(status).toBe(1);
    expect(said).toMatch(/need redis-server/);
  });
});
