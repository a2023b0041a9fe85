import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ImageType } from '../../../src/store/files/images.js';
import { Resizer } from '../../../src/store/files/resizer.js';
import { encoded, imageOf, png } from '../../support/images.js';
import { isRunning } from '../../support/processes.js';
import { until } from '../../support/wait.js';

const FILES = fileURLToPath(new URL('../../../dist/store/files/', import.meta.url));
const MODULE = join(FILES, 'resizer-process.js');
const DEADLINE_MS = 8000;
const IDLE_MS = 10_000;

const folder = mkdtempSync(join(tmpdir(), 'parley-resizer-'));
afterAll(() => rmSync(folder, { recursive: true }));

let resizer: Resizer;
let lost: string[];
beforeEach(() => {
  lost = [];
  resizer = new Resizer({ module: MODULE, lost: (exit) => lost.push(exit) });
});
afterEach(() => {
  vi.useRealTimers();
  resizer.close();
});

let files = 0;
function resize(image: Buffer, type: ImageType = 'png') {
  files += 1;
  const path = join(folder, `image-${files}`);
  writeFileSync(path, image);
  return resizer.resize({ path, type });
}

/** The processes of this one's resizers. */
function processes(parent = process.pid): number[] {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(/\s+/);
  return children
    .map(Number)
    .filter((pid) => pid > 0 && isRunning(pid) && commandOf(pid).includes('resizer'));
}

function commandOf(pid: number): string {
  const path = `/proc/${pid}/cmdline`;
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

async function theProcess(): Promise<number> {
  return until(() => processes().find((pid) => commandOf(pid).includes('resizer-process')));
}

it('resizes one photo after the other, in one process', async () => {
  const images = await Promise.all([
    resize(png(300, 200)),
    resize(await encoded('jpeg', 200, 400), 'jpeg'),
    resize(png(10, 10)),
  ]);
  const found = await Promise.all(images.map((sizes) => imageOf(sizes[1280])));
  expect(found.map(({ width, height }) => [width, height])).toEqual([
    [300, 200],
    [200, 400],
    [10, 10],
  ]);
  expect(processes()).toHaveLength(1);
});

it('gives its process no more memory than it needs, and no secrets', async () => {
  await resize(png(3, 3));
  const pid = await theProcess();
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
  expect(/^Max data size +(\d+)/m.exec(limits)?.[1]).toBe(String(1024 * 1024 * 1024));
  const names = readFileSync(`/proc/${pid}/environ`, 'latin1')
    .split('\0')
    .map((line) => line.split('=')[0]);
  expect(
    names.filter((name) => !/^(MALLOC_\w+|PWD|OLDPWD|SHLVL|_|NODE_CHANNEL_\w+)?$/.test(name ?? '')),
  ).toEqual([]);
});

it('takes a JPEG that has a gain map beside it, as phones with HDR make, for the JPEG that it is', async () => {
  const image = readFileSync(new URL('ultra-hdr.jpg', import.meta.url));
  expect((await sharp(image).metadata()).gainMap).toBeDefined();
  expect(await imageOf((await resize(image, 'jpeg'))[1280])).toEqual({
    format: 'jpeg',
    width: 64,
    height: 48,
  });
});

it.each([
  ['bytes that are no image', () => Buffer.alloc(999, 1)],
  ['an SVG', () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>')],
  [
    'a TIFF',
    () =>
      sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
        .tiff()
        .toBuffer(),
  ],
  ['a photo of over 120 megapixels', () => png(12_001, 10_000)],
])('refuses %s as photo_invalid, and goes on', async (_name, make) => {
  await expect(resize(await make())).rejects.toMatchObject({ code: 'photo_invalid' });
  await expect(resize(png(9, 9))).resolves.toBeDefined();
});

describe('when its process', () => {
  it('does not answer, kills it at the deadline, and goes on', async () => {
    await resize(png(9, 9));
    const pid = await theProcess();
    process.kill(pid, 'SIGSTOP');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const first = expect(resize(png(9, 9))).rejects.toMatchObject({ code: 'overloaded' });
    vi.advanceTimersByTime(DEADLINE_MS - 1);
    const second = resize(png(9, 9));
    expect(isRunning(pid)).toBe(true);
    vi.advanceTimersByTime(1);
    vi.useRealTimers();
    await first;
    await until(() => !isRunning(pid));
    await expect(second).resolves.toBeDefined();
    expect(lost).toEqual(['deadline']);
  });

  it('has too many photos before it, a photo that waits is refused at its deadline', async () => {
    await resize(png(9, 9));
    const pid = await theProcess();
    process.kill(pid, 'SIGSTOP');
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const waiting = [resize(png(9, 9)), resize(png(9, 9))].map((one) =>
      expect(one).rejects.toMatchObject({ code: 'overloaded' }),
    );
    vi.advanceTimersByTime(DEADLINE_MS);
    vi.useRealTimers();
    await Promise.all(waiting);
  });

  it.each([
    ['crashes', 'SIGSEGV', 'photo_invalid'],
    ['aborts', 'SIGABRT', 'photo_invalid'],
    ['is killed', 'SIGKILL', 'overloaded'],
  ] as const)('%s, the photo is refused, and the next is not', async (_what, signal, code) => {
    await resize(png(9, 9));
    const pid = await theProcess();
    process.kill(pid, 'SIGSTOP'); // So that it has not finished before.
    const [first, second] = [resize(png(9, 9)), resize(png(9, 9))];
    process.kill(pid, signal);
    process.kill(pid, 'SIGCONT');
    await expect(first).rejects.toMatchObject({ code });
    expect(lost).toEqual([signal]);
    await expect(second).resolves.toBeDefined();
  });

  it('cannot load sharp, no photo is taken, and the cause is told', async () => {
    const bare = join(folder, 'bare');
    cpSync(FILES, bare, { recursive: true });
    resizer = new Resizer({ module: join(bare, 'resizer-process.js') });
    await expect(resize(png(9, 9))).rejects.toThrow(/^sharp cannot be loaded: .*'sharp'/);
  });

  it('cannot be started, no photo is taken, and the cause is told', async () => {
    resizer = new Resizer({ module: join(folder, 'missing.js') });
    await expect(resize(png(9, 9))).rejects.toThrow('the process that decodes photos ended with exit code 1');
  });

  it('has nothing to do for a while, it ends', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await resize(png(9, 9));
    const [pid = 0] = processes();
    vi.advanceTimersByTime(IDLE_MS - 1);
    expect(isRunning(pid)).toBe(true);
    vi.advanceTimersByTime(1);
    vi.useRealTimers();
    await until(() => !isRunning(pid));
    await expect(resize(png(9, 9))).resolves.toBeDefined();
  });

  it('is asked to stop by a supervisor of all processes, it does not: its parent decides', async () => {
    await resize(png(9, 9));
    const pid = await theProcess();
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(pid, signal);
    await expect(resize(png(9, 9))).resolves.toBeDefined();
    expect(isRunning(pid)).toBe(true);
  });
});

it('refuses what is too much at a time', async () => {
  const image = png(9, 9);
  const all = await Promise.allSettled(Array.from({ length: 40 }, () => resize(image)));
  const refused = all.filter((one) => one.status === 'rejected').map(({ reason }) => reason.code);
  expect(refused).toEqual(Array(8).fill('overloaded'));
});

it('refuses what is not done when it is closed', async () => {
  const refused = expect(resize(png(9, 9))).rejects.toMatchObject({ code: 'unavailable' });
  resizer.close();
  await refused;
  await until(() => processes().length === 0);
});

it('leaves no process behind when its own is killed', async () => {
  const script = `import { Resizer } from ${JSON.stringify(join(FILES, 'resizer.js'))};
    await new Resizer().resize({ path: ${JSON.stringify(join(folder, 'own'))}, type: 'png' });
    console.log('done');`;
  writeFileSync(join(folder, 'own'), png(9, 9));
  const own: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', script]);
  await new Promise((resolve) => own.stdout?.once('data', resolve));
  const [pid = 0] = processes(own.pid);
  expect(pid).toBeGreaterThan(0);
  own.kill('SIGKILL');
  await until(() => !isRunning(pid));
});

it('has left no files', () => {
  expect(readdirSync(folder).filter((name) => !/^(image-\d+|bare|own)$/.test(name))).toEqual([]);
});
