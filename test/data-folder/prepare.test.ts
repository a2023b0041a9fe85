import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertRoom, prepareDataFolder } from '../../src/data-folder/prepare.js';
import { shown } from '../../src/data-folder/problem.js';
import { OperatorError } from '../../src/operator-error.js';
import { temporaryFolder } from '../support/ledger.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (...names: string[]) => join(folder.path, ...names);
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const ANOTHER = 'set DATA_DIR to another folder';

function problemOf(path: string): string {
  try {
    prepareDataFolder(path);
  } catch (error) {
    expect(error).toBeInstanceOf(OperatorError);
    return (error as OperatorError).message;
  }
  return '';
}

describe('a data folder is refused that is', () => {
  const make: Record<string, () => { path: string; problem: string }> = {
    'a file': () => {
      writeFileSync(at('file'), '');
      return { path: at('file'), problem: `is not a folder; ${ANOTHER}` };
    },
    'under a file': () => {
      writeFileSync(at('above'), '');
      const problem = `lies under ${at('above')}, which is not a folder; ${ANOTHER}`;
      return { path: at('above', 'a', 'b'), problem };
    },
    'a device': () => ({ path: '/dev/null', problem: `is not a folder; ${ANOTHER}` }),
    'a link to nothing': () => {
      symlinkSync(at('nothing'), at('link'));
      return { path: at('link'), problem: `is a link to what is not there; mend the link, or ${ANOTHER}` };
    },
    'under a link to nothing': () => {
      symlinkSync(at('nothing'), at('link-above'));
      const problem = `cannot be used: ${at('link-above')} is a link to what is not there; mend the link, or ${ANOTHER}`;
      return { path: at('link-above', 'a'), problem };
    },
    'a link to itself': () => {
      symlinkSync(at('circle'), at('circle'));
      return { path: at('circle'), problem: `leads through links in a circle; ${ANOTHER}` };
    },
    'in proc, which makes no folders': () => ({
      path: '/proc/parley',
      problem: `is in a file system of the kernel (proc), which keeps no files; ${ANOTHER}`,
    }),
    'a folder of proc': () => ({
      path: '/proc/self',
      problem: `is in a file system of the kernel (proc), which keeps no files; ${ANOTHER}`,
    }),
    'in sys': () => ({
      path: '/sys/kernel/parley/data',
      problem: `is in a file system of the kernel (sysfs), which keeps no files; ${ANOTHER}`,
    }),
    'a name too long for a folder': () => {
      const path = at('x'.repeat(256));
      return { path, problem: `has a name of ${path.length} bytes, which is too long; ${ANOTHER}` };
    },
    'with a folder for a database': () => {
      mkdirSync(at('strange', 'parley.db'), { recursive: true });
      const problem = `has ${at('strange', 'parley.db')}, which is not a file; move that away`;
      return { path: at('strange'), problem };
    },
    'with photos on another file system': () => {
      mkdirSync(at('split'));
      symlinkSync('/proc', at('split', 'files'));
      return {
        path: at('split'),
        problem: `has ${at('split', 'files')} on another file system; keep all of it on one`,
      };
    },
  };

  it.each(Object.entries(make))('%s', (_what, made) => {
    const { path, problem } = made();
    expect(problemOf(path)).toBe(`DATA_DIR ${path} ${problem}`);
  });

  it('a path that is too long, of which the line shows the beginning', () => {
    const path = `/${'a/'.repeat(4096)}`;
    expect(problemOf(path)).toBe(
      `DATA_DIR ${path.slice(0, 300)}… has a name of ${path.length} bytes, which is too long; ${ANOTHER}`,
    );
  });
});

describe('a data folder is fit', () => {
  it('when it has to be made, with those above it, for its user alone', () => {
    prepareDataFolder(at('new', 'a', 'b'));
    expect(statSync(at('new', 'a', 'b')).mode & 0o777).toBe(0o700);
  });

  it('when a link leads to it, and whatever else lies there', () => {
    mkdirSync(at('real'));
    writeFileSync(at('real', 'ledger.sock'), 'what a copy has made of a socket');
    mkdirSync(at('real', 'lost+found'), { mode: 0 });
    symlinkSync(at('real'), at('to-real'));
    prepareDataFolder(at('to-real'));
    assertRoom(at('to-real'));
    expect(readdirSync(at('real')).sort()).toEqual(['ledger.sock', 'lost+found']);
  });
});

it('a path stands in a line as it is, or as JSON when it would not be read as one word of one line', () => {
  expect(shown('/srv/päth-1')).toBe('/srv/päth-1');
  expect(shown('/srv/my data')).toBe('"/srv/my data"');
  expect(shown('/srv/a\nb')).toBe('"/srv/a\\nb"');
  expect(shown('/srv/\u202egnp')).toBe('"/srv/?gnp"');
});
