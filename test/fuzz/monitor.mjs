// Loaded into each process of the server before its own code (NODE_OPTIONS=--import): watches the event loop from
// inside, and writes what it saw, and how much memory is in use, to a file when it is told to (SIGUSR2). As a program
// of its own it is the control: the same watch over a process that does nothing.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const EVERY_MS = 10;
const LONG_MS = 20;
const folder = process.env.FUZZ_MONITOR ?? '';
const role = process.argv.slice(2).at(-1) ?? 'primary';

if (folder !== '') watch();

function watch() {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  mkdirSync(folder, { recursive: true });
  const histogram = monitorEventLoopDelay({ resolution: EVERY_MS });
  histogram.enable();
  /**
   * Turns that were late by more than LONG_MS: when, by how much, and what this thread did meanwhile.
   * @type {Record<'at' | 'delay' | 'ran' | 'waited' | 'stolen', number>[]}
   */
  let late = [];
  let last = now();
  const timer = setInterval(() => {
    const current = now();
    const delay = current.at - last.at - EVERY_MS;
    if (delay > LONG_MS) {
      const [ran, waited] = [current.ran - last.ran, current.waited - last.waited];
      late.push({ at: Date.now(), delay, ran, waited, stolen: current.stolen - last.stolen });
    }
    last = current;
  }, EVERY_MS);
  if (role !== 'control') timer.unref();
  const tell = () => {
    const own = { role, max: histogram.max / 1e6, p99: histogram.percentile(99) / 1e6, late };
    gc();
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
    const file = join(folder, `${process.pid}.json`);
    writeFileSync(`${file}.new`, JSON.stringify({ ...own, rss, heapUsed, external, arrayBuffers }));
    renameSync(`${file}.new`, file);
    // The collection above was not asked for by the server.
    histogram.reset();
    late = [];
    last = now();
  };
  process.on('SIGUSR2', tell);
  if (role === 'control') tell(); // Before that, the signal would end it.
}

/**
 * Milliseconds: by the clock; on a processor, and ready to run but without one (of the main thread); and those for
 * which the host took processors away from the machine, which count as run (hundredths of a second, of all processors).
 */
function now() {
  const [ran = 0, waited = 0] = readFileSync('/proc/self/schedstat', 'utf8').split(' ').map(Number);
  const stolen = Number(/^cpu +(?:\d+ +){7}(\d+)/.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? 0);
  return { at: performance.now(), ran: ran / 1e6, waited: waited / 1e6, stolen: stolen * 10 };
}
