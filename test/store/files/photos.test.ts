import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PhotoFiles } from '../../../src/store/files/photos.js';
import { Resizer } from '../../../src/store/files/resizer.js';
import * as fsync from '../../../src/store/fsync.js';
import { imageOf, png, pngHead } from '../../support/images.js';

vi.mock('../../../src/store/fsync.js', { spy: true });

const GROUP = 7;
const PLACE = 'at 52.5163 13.3777';
const OLD = '0b6dd0a6-1f5f-4a8b-9d3c-6a1f0c1d2e3f';

const resizer = new Resizer({
  module: fileURLToPath(new URL('../../../dist/store/files/resizer-process.js', import.meta.url)),
});
afterAll(() => resizer.close());

let dataDir: string;
let photos: PhotoFiles;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'parley-photos-'));
  photos = new PhotoFiles(dataDir, resizer);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dataDir, { recursive: true });
});

const names = (owner: string, id: number) => readdirSync(join(dataDir, 'files', owner, String(id))).sort();
const temporary = () => readdirSync(join(dataDir, 'tmp'));

it("a group's folder that is removed while a photo is placed in it leaves the refusal to the ledger", async () => {
  const { fsyncPath } = await vi.importActual<typeof fsync>('../../../src/store/fsync.js');
  vi.mocked(fsync.fsyncPath).mockImplementationOnce(async (path) => {
    await photos.removeAll('groups', GROUP);
    await fsyncPath(path);
  });
  const uploaded = join(dataDir, 'upload');
  writeFileSync(uploaded, png(10, 10));
  const placed = await photos.store(uploaded, 'groups', GROUP);
  expect(existsSync(uploaded)).toBe(false);
  await placed.remove();
  expect(existsSync(join(dataDir, 'files', 'groups', String(GROUP)))).toBe(false);
  expect(temporary()).toEqual([]);
});

it('a thumbnail that was lost is made anew', async () => {
  const uploaded = join(dataDir, 'upload');
  writeFileSync(uploaded, png(400, 300));
  const { name } = await photos.store(uploaded, 'users', 1);
  const [small = '', large] = names('users', 1);
  expect([small, large]).toEqual([name.replace('-1280', '-160'), name].sort());
  const before = await photos.read('users', 1, name, 160);
  rmSync(join(dataDir, 'files', 'users', '1', name.replace('-1280', '-160')));
  const after = await photos.read('users', 1, name, 160);
  expect(await imageOf(after.bytes)).toEqual(await imageOf(before.bytes));
  expect(names('users', 1)).toEqual([small, large]);
});

describe('a photo that was stored as it came', () => {
  /** Puts a file where an earlier version did. */
  function old(name: string, bytes: Buffer): string {
    const path = join(dataDir, 'files', 'users', '1', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
    return path;
  }
  const withPlace = (type: 'jpeg' | 'png' | 'webp') =>
    sharp({ create: { width: 300, height: 200, channels: 3, background: 'red' } })
      .withExif({ IFD0: { ImageDescription: PLACE } })
      .toFormat(type)
      .toBuffer();

  it.each([
    ['jpeg', 160, 'image/jpeg', 160],
    ['jpeg', 1280, 'image/jpeg', 300],
    ['png', 160, 'image/webp', 160],
    ['png', 1280, 'image/webp', 300],
    ['webp', 1280, 'image/webp', 300],
  ] as const)('is never shown so: a %s in %i', async (type, size, contentType, width) => {
    const path = old(`${OLD}.${type}`, await withPlace(type));
    expect(readFileSync(path).includes(PLACE)).toBe(true);
    const shown = await photos.read('users', 1, `${OLD}.${type}`, size);
    expect(shown.contentType).toBe(contentType);
    expect(shown.bytes.includes(PLACE)).toBe(false);
    expect(await imageOf(shown.bytes)).toMatchObject({ width });
    const kept = type === 'jpeg' ? 'jpeg' : 'webp';
    expect(names('users', 1)).toEqual([`${OLD}-1280.${kept}`, `${OLD}-160.${kept}`]);
    expect(temporary()).toEqual([]);
    // From the file that was kept.
    const again = await photos.read('users', 1, `${OLD}.${type}`, size);
    expect(again.bytes.equals(shown.bytes)).toBe(true);
    await photos.remove('users', 1, `${OLD}.${type}`);
    expect(existsSync(dirname(path))).toBe(false);
  });

  it('is converted once for many who ask at a time, and by more than one worker', async () => {
    old(`${OLD}.png`, await withPlace('png'));
    const other = new PhotoFiles(dataDir, resizer);
    const resize = vi.spyOn(resizer, 'resize');
    const shown = await Promise.all(
      [photos, photos, other, photos, other].map((one) => one.read('users', 1, `${OLD}.png`, 160)),
    );
    expect(new Set(shown.map(({ bytes }) => bytes.toString('base64'))).size).toBe(1);
    expect(resize.mock.calls.length).toBeLessThanOrEqual(2);
    expect(names('users', 1)).toHaveLength(2);
  });

  it('is shown when another worker has just converted it', async () => {
    old(`${OLD}.png`, await withPlace('png'));
    const resize = resizer.resize.bind(resizer);
    vi.spyOn(resizer, 'resize').mockImplementationOnce(async () => {
      // While this worker begins, the other one comes to its end.
      await new PhotoFiles(dataDir, resizer).read('users', 1, `${OLD}.png`, 160);
      return resize({ path: join(dataDir, 'files', 'users', '1', `${OLD}.png`), type: 'png' });
    });
    const { contentType } = await photos.read('users', 1, `${OLD}.png`, 160);
    expect(contentType).toBe('image/webp');
    expect(names('users', 1)).toHaveLength(2);
  });

  it.each([
    ['damaged', () => pngHead(100, 100)],
    ['no image', () => Buffer.from('text')],
    ['larger than is taken', () => pngHead(20_000, 20_000)],
  ])('and is %s is not shown, nor lost', async (_what, make) => {
    const path = old(`${OLD}.png`, make());
    await expect(photos.read('users', 1, `${OLD}.png`, 1280)).rejects.toMatchObject({
      code: 'photo_not_found',
    });
    expect(existsSync(path)).toBe(true);
  });

  it('is not found when it is gone', async () => {
    await expect(photos.read('users', 1, `${OLD}.png`, 160)).rejects.toMatchObject({
      code: 'photo_not_found',
    });
    const path = old(`${OLD}.gif`, png(9, 9));
    copyFileSync(path, `${path}.other`);
    rmSync(path);
    await expect(photos.read('users', 1, `${OLD}.gif`, 160)).rejects.toMatchObject({
      code: 'photo_not_found',
    });
  });
});
