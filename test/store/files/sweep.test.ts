import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sweepFiles } from '../../../src/store/files/sweep.js';
import { until } from '../../support/wait.js';

const HOUR_MS = 3_600_000;

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'parley-sweep-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

function write(...path: string[]): void {
  mkdirSync(dirname(join(dataDir, ...path)), { recursive: true });
  writeFileSync(join(dataDir, ...path), 'x');
}

const has = (...path: string[]) => existsSync(join(dataDir, ...path));
const anHourLater = () => Date.now() + HOUR_MS + 1;
const nobody = () => undefined;

describe('the sweep', () => {
  it('has nothing to do in a new folder', async () => {
    await sweepFiles(dataDir, anHourLater(), nobody);
  });

  it('removes temporary files of an hour ago, and leaves younger ones', async () => {
    for (let n = 0; n < 50; n++) write('tmp', `upload-${n}`);
    await sweepFiles(dataDir, Date.now() + HOUR_MS - 60_000, nobody);
    expect(has('tmp', 'upload-0')).toBe(true);
    await sweepFiles(dataDir, anHourLater(), nobody);
    for (let n = 0; n < 50; n++) expect(has('tmp', `upload-${n}`)).toBe(false);
    expect(has('tmp')).toBe(true);
  });

  it('keeps the photo that a row names, and removes others beside it', async () => {
    write('files', 'users', '1', 'kept.png');
    write('files', 'users', '1', 'other.png');
    write('files', 'groups', '1', 'other.png');
    write('files', 'groups', '2', 'kept.png');
    const photoOf = (owner: string, id: number) =>
      (owner === 'users' && id === 1) || (owner === 'groups' && id === 2) ? 'kept.png' : null;
    await sweepFiles(dataDir, anHourLater(), photoOf);
    expect(has('files', 'users', '1', 'kept.png')).toBe(true);
    expect(has('files', 'users', '1', 'other.png')).toBe(false);
    expect(has('files', 'groups', '1', 'other.png')).toBe(false);
    expect(has('files', 'groups', '2', 'kept.png')).toBe(true);
  });

  it('keeps the sizes of the photo that a row names, also of one that was stored as it came', async () => {
    const kept = [
      ['1', 'a-1280.webp'],
      ['1', 'a-160.webp'],
      ['2', 'b.jpeg'],
      ['2', 'b-1280.jpeg'],
      ['2', 'b-160.jpeg'],
    ] as const;
    for (const [id, name] of kept) write('files', 'users', id, name);
    for (const name of ['a.png', 'a-1280.jpeg', 'b-160.jpeg', 'c-160.webp'])
      write('files', 'users', '1', name);
    await sweepFiles(dataDir, anHourLater(), (_owner, id) => (id === 1 ? 'a-1280.webp' : 'b.jpeg'));
    for (const [id, name] of kept) expect(has('files', 'users', id, name)).toBe(true);
    expect(readdirSync(join(dataDir, 'files', 'users', '1')).sort()).toEqual(['a-1280.webp', 'a-160.webp']);
  });

  it('removes the folder of one that does not exist, once it is empty', async () => {
    write('files', 'users', '7', 'orphan.png');
    mkdirSync(join(dataDir, 'files', 'groups', '8'), { recursive: true });
    await sweepFiles(dataDir, Date.now(), nobody);
    expect(has('files', 'users', '7', 'orphan.png')).toBe(true);
    expect(has('files', 'groups', '8')).toBe(false);
    await sweepFiles(dataDir, anHourLater(), nobody);
    expect(has('files', 'users', '7')).toBe(false);
  });

  it('leaves the folder of one that exists without a photo', async () => {
    write('files', 'users', '7', 'refused.png');
    await sweepFiles(dataDir, anHourLater(), () => null);
    expect(has('files', 'users', '7', 'refused.png')).toBe(false);
    expect(has('files', 'users', '7')).toBe(true);
  });

  it('touches nothing else in the data folder', async () => {
    write('jwt.secret');
    write('parley.db');
    write('files', 'chats', '1', 'a.png');
    await sweepFiles(dataDir, anHourLater(), nobody);
    expect([has('jwt.secret'), has('parley.db'), has('files', 'chats', '1', 'a.png')]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('goes on when a file or folder is gone by the time it looks', async () => {
    write('tmp', 'upload');
    write('files', 'users', '1', 'orphan.png');
    write('files', 'users', '2', 'orphan.png');
    // A request that is under way finishes meanwhile: its folder goes before it is looked into.
    const photoOf = (_owner: string, id: number) => {
      rmSync(join(dataDir, 'files', 'users', String(id)), { recursive: true, force: true });
      return undefined;
    };
    await sweepFiles(dataDir, anHourLater(), photoOf);
    expect(has('tmp', 'upload')).toBe(false);
  });

  it('goes on when requests finish meanwhile', async () => {
    for (let n = 0; n < 3000; n++) write('tmp', `upload-${n}`);
    write('files', 'users', '1', 'orphan.png');
    const sweeping = sweepFiles(dataDir, anHourLater(), nobody);
    sweeping.catch(() => undefined); // Heard below.
    await until(() => readdirSync(join(dataDir, 'tmp')).length < 3000);
    for (const name of readdirSync(join(dataDir, 'tmp'))) rmSync(join(dataDir, 'tmp', name), { force: true });
    await sweeping;
    expect(has('files', 'users', '1')).toBe(false);
  });

  it('goes on past a file that is nobody’s folder', async () => {
    write('files', 'users', '.DS_Store');
    write('files', 'users', '1', 'orphan.png');
    write('files', 'groups', '1', 'orphan.png');
    await sweepFiles(dataDir, anHourLater(), nobody);
    expect(has('files', 'users', '1')).toBe(false);
    expect(has('files', 'groups', '1')).toBe(false);
  });
});
