import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHistogram } from 'node:perf_hooks';
import type { Metrics } from './measurement.js';

/** What a small batch appends. */
const APPENDED_BYTES = 8192;

/** How long a sync of an append takes, in the folder where the servers here have their data. */
export function measureDisk(seconds: number): Metrics {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  const file = openSync(join(folder, 'appended'), 'a');
  const bytes = Buffer.alloc(APPENDED_BYTES, 'x');
  const histogram = createHistogram();
  try {
    const end = performance.now() + seconds * 1000;
    for (let now = performance.now(); now < end; ) {
      writeSync(file, bytes);
      fdatasyncSync(file);
      const after = performance.now();
      histogram.record(Math.max(1, Math.round((after - now) * 1000)));
      now = after;
    }
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
  return { fsync_p50_ms: histogram.percentile(50) / 1000, fsync_p99_ms: histogram.percentile(99) / 1000 };
}
