import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../src/prove/random.js';
import { Disk } from './disk.js';
import { Platter } from './image.js';
import { readCalls } from './trace.js';

const IMAGES = 150;
const SECTOR_BYTES = 512;
const MADE = ['1 openat(AT_FDCWD</>, "/d/f", O_RDWR|O_CREAT, 0644) = 3</d/f>', '1 fsync(4</d>) = 0'];
const SYNCED = '1 fsync(3</d/f>) = 0';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(text: string, at = 0): string {
  return `1 pwrite64(3</d/f>, "${text}", ${text.length}, ${at}) = ${text.length}`;
}

function diskOf(lines: readonly string[]): Disk {
  const disk = new Disk('/d');
  for (const call of readCalls(`${lines.join('\n')}\n`, 1).calls) disk.record(call);
  return disk;
}

/** All that a cut after the last line may leave of the file f, or of the names: each once, sorted. */
function leftOf(
  lines: readonly string[],
  look = (path: string) => readFileSync(join(path, 'f'), 'latin1'),
): string[] {
  const { root } = diskOf(lines);
  const images = mkdtempSync(join(folder, 'images-'));
  const left = new Set<string>();
  for (let seed = 0; seed < IMAGES; seed++) {
    const path = join(images, String(seed));
    new Platter(root).write(lines.length + 1, new Random(seed), path);
    left.add(look(path));
  }
  return [...left].sort();
}

const names = (path: string) => readdirSync(path).join();

describe('what a power cut leaves', () => {
  it('is what was synced', () => {
    expect(leftOf([...MADE, write('first'), write('later'), SYNCED])).toEqual(['later']);
  });

  it('is any version of a sector since then', () => {
    const lines = [...MADE, write('first'), SYNCED, write('again'), write('later')];
    expect(leftOf(lines)).toEqual(['again', 'first', 'later']);
  });

  it('is torn at sectors, and nowhere else', () => {
    const [a, b] = ['a'.repeat(SECTOR_BYTES), 'b'.repeat(SECTOR_BYTES)];
    expect(leftOf([...MADE, write(a + a), SYNCED, write(b + b)])).toEqual([a + a, a + b, b + a, b + b]);
  });

  it('is of any size that the file had, with zeros or rubbish where nothing arrived', () => {
    const left = leftOf([...MADE, write('first'), SYNCED, write('more', SECTOR_BYTES)]);
    expect(new Set(left.map((bytes) => bytes.length))).toEqual(new Set([5, SECTOR_BYTES + 4]));
    expect(left).toContain('first');
    const grown = `first${'\0'.repeat(SECTOR_BYTES - 5)}`;
    expect(left).toContain(`${grown}more`);
    expect(left).toContain(`${grown}\0\0\0\0`);
    expect(left.some((bytes) => bytes.endsWith('\xa5'.repeat(4)))).toBe(true);
  });

  it('may be what was cut off', () => {
    const lines = [...MADE, write('first'), SYNCED, '1 ftruncate(3</d/f>, 0) = 0'];
    expect(leftOf(lines)).toEqual(['', '\0'.repeat(5), 'first']);
    expect(leftOf([...lines, SYNCED])).toEqual(['']);
  });

  it('lacks a new file, or has a deleted one, until the folder is synced', () => {
    expect(leftOf(MADE.slice(0, 1), names)).toEqual(['', 'f']);
    const deleted = [...MADE, '1 unlink("/d/f") = 0'];
    expect(leftOf(deleted, names)).toEqual(['', 'f']);
    expect(leftOf([...deleted, '1 fsync(4</d>) = 0'], names)).toEqual(['']);
  });

  it('lacks a new folder with all that was synced in it, until the one above is synced', () => {
    const lines = [
      '1 mkdir("/d/e", 0700) = 0',
      '1 openat(AT_FDCWD</>, "/d/e/f", O_RDWR|O_CREAT, 0644) = 3</d/e/f>',
      '1 fsync(3</d/e/f>) = 0',
      '1 fsync(4</d/e>) = 0',
    ];
    expect(leftOf(lines, names)).toEqual(['', 'e']);
    expect(leftOf([...lines, '1 fsync(5</d>) = 0'], names)).toEqual(['e']);
  });

  it('need not be what a sync found unfinished, nor what a sync that failed was for', () => {
    const before = [...MADE, write('first'), SYNCED];
    const during = ['1 pwrite64(3</d/f>, "later", 5, 0 <unfinished ...>', `2${SYNCED.slice(1)}`];
    expect(leftOf([...before, ...during, '1 <... pwrite64 resumed>) = 5'])).toEqual(['first', 'later']);
    const failed = '1 fsync(3</d/f>) = -1 EIO (Input/output error)';
    expect(leftOf([...before, write('later'), failed])).toEqual(['first', 'later']);
  });
});

describe('the trace', () => {
  it('gives the very bytes that were written', () => {
    const lines = [...MADE, '1 pwrite64(3</d/f>, "\\0001\\0a\\n\\"\\\\\\310) = 5", 13, 0) = 13'];
    const found = [...lines, SYNCED];
    expect(leftOf(found)).toEqual(['\x001\0a\n"\\\xc8) = 5']);
  });

  it('is refused when a call on a file is not understood, or a string is cut off', () => {
    expect(() => diskOf([...MADE, '1 pwritev(3</d/f>, [], 0, 0) = 0'])).toThrow(
      'pwritev on /d/f is not understood',
    );
    const shared = '1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</d/f>, 0) = 0x7f00';
    expect(() => diskOf([...MADE, shared])).toThrow('mmap on /d/f is not understood');
    expect(() => diskOf([...MADE, '1 pwrite64(3</d/f>, "x"..., 9, 0) = 9'])).toThrow('cut a string off');
  });
});
