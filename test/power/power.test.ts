import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/prove/random.js';
import { MAIN, patchedBuild } from '../support/build.js';
import { again, type Cuts, cutPower } from './cuts.js';
import { hasty } from './order.js';
import { openFile } from './trace.js';
import { type Recording, record } from './workload.js';

/** POWER_IMAGES sets how many cuts are looked at; from 1000 on the ledger is also given a longer workload. */
const IMAGES = Number(process.env['POWER_IMAGES'] ?? 150);
const SEED = Number(process.env['POWER_SEED'] ?? 1);
const LONG = IMAGES >= 1000;
const WAL_BYTES_MAX = 16 * 1024 * 1024;
const SIZE = LONG ? { bursts: 150, floodBytes: 2 * WAL_BYTES_MAX } : { bursts: 40, floodBytes: 0 };
const CONTROL_SIZE = { bursts: 15, floodBytes: 0 };
const CONTROL_IMAGES = LONG ? 200 : 30;
const TIMEOUT_MS = LONG ? 600_000 : 180_000;

const folder = mkdtempSync(join(tmpdir(), 'parley-power-'));
let recording: Recording;
let kept = false;

beforeAll(async () => {
  recording = await record(join(folder, 'recording'), MAIN, SIZE, new Random(SEED));
}, TIMEOUT_MS);
afterAll(() => {
  if (!kept) rmSync(folder, { recursive: true, force: true });
});

/** The traced writes to the write-ahead log, as [offset, length]. */
function logWrites(): [number, number][] {
  return recording.calls
    .filter((call) => call.name === 'pwrite64' && openFile(call)?.endsWith('parley.db-wal'))
    .map(({ args }) => args.split(', ').slice(-2).map(Number))
    .map(([length = 0, offset = 0]) => [offset, length]);
}

/** Prints what was measured when the long proof was asked for. */
function report(what: string, cuts: Cuts, images: number): void {
  if (!LONG) return;
  const { acknowledgedMost, losing, damaged } = cuts;
  console.log(
    `${what}: ${images} images, up to ${acknowledgedMost} acknowledged messages in one; ` +
      `${losing.length} images lost some, ${damaged.length} were damaged`,
  );
}

describe('a power cut', () => {
  it(
    'takes no acknowledged message, and leaves a whole database on which a ledger starts',
    async () => {
      const cuts = await cutPower(recording, { images: IMAGES, seed: SEED, folder });
      report('the ledger', cuts, IMAGES);
      const wrong = [...cuts.losing, ...cuts.damaged];
      if (wrong[0] !== undefined) {
        kept = true;
        again(recording.disk, wrong[0], join(folder, 'first-wrong-image'));
      }
      expect(wrong, `the traces and the first wrong image are in ${folder}`).toEqual([]);
      expect(cuts.acknowledgedMost).toBeGreaterThan(300);
    },
    TIMEOUT_MS,
  );

  it('finds every acknowledgement and every hint sent after the sync of its batch', () => {
    expect(hasty(recording)).toEqual({ acknowledgements: 0, hints: 0 });
    expect(recording.hinted.length).toBeGreaterThan(30);
  });

  it('was looked for while logs were begun anew over old ones, in the database and by a killed ledger', () => {
    const writes = logWrites();
    const begun = writes.filter(([offset]) => offset === 0).length;
    expect(begun).toBeGreaterThan(recording.starts.length);
    expect(recording.starts.length).toBe(3);
    const database = recording.disk.find(join(recording.dataDir, 'parley.db'));
    expect(database?.changes.length).toBeGreaterThan(10);
    if (LONG) expect(Math.max(...writes.map(([offset]) => offset))).toBeGreaterThan(WAL_BYTES_MAX);
  });
});

describe('the proof of it', () => {
  it(
    'finds what synchronous=NORMAL loses, and its hasty acknowledgements and hints',
    async () => {
      const file = 'store/sqlite/database.js';
      const main = patchedBuild(join(folder, 'normal'), [
        { file, from: 'synchronous = FULL', to: 'synchronous = NORMAL' },
        { file, from: 'synchronous: 2', to: 'synchronous: 1' },
      ]);
      const normal = await record(join(folder, 'control'), main, CONTROL_SIZE, new Random(SEED));
      const cuts = await cutPower(normal, { images: CONTROL_IMAGES, seed: SEED, folder });
      report('with synchronous=NORMAL', cuts, CONTROL_IMAGES);
      expect(cuts.losing.length).toBeGreaterThan(CONTROL_IMAGES / 10);
      const { acknowledgements, hints } = hasty(normal);
      expect(acknowledgements).toBeGreaterThan(10);
      expect(hints).toBeGreaterThan(10);
    },
    TIMEOUT_MS,
  );

  it.each([
    ['the folder above the data folder', '..'],
    ['the data folder', '.'],
    ['the write-ahead log', 'parley.db-wal'],
    ['the database', 'parley.db'],
    ['the record of given ids', 'given-ids.json'],
  ])(
    'finds what is lost or damaged when no sync reaches %s',
    async (what, name) => {
      const unsynced = recording.disk.everAt(join(recording.dataDir, name));
      const cuts = await cutPower(recording, { images: CONTROL_IMAGES, seed: SEED, folder, unsynced });
      report(`without syncs of ${what}`, cuts, CONTROL_IMAGES);
      expect(cuts.losing.length + cuts.damaged.length).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
