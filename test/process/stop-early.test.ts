import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/ledger.js';
import { elapsedMs, smallestRatio } from '../support/measure.js';
import { exitOf, launch, SECRET } from '../support/server.js';

/** Of what a process takes that only starts: to wait for the end of the time that all have for it would take 10 s. */
const TIMES_MAX = 10;

/** How long a process of ours runs that only starts: measured once for all tests, and again for one that asks again. */
let usual: Promise<number> | undefined;
function control(): () => Promise<number> {
  let asked = 0;
  return () => {
    asked += 1;
    if (asked > 1) usual = undefined;
    usual ??= elapsedMs(() => exitOf(launch({ JWT_SECRET: SECRET }, ['token', '--sub', '1']).process));
    return usual;
  };
}

// Loading, the ledger, the workers, serving: on any machine some of these fall into each.
describe.each(['SIGTERM', 'SIGINT'] as const)('%s while the process tree is starting', (signal) => {
  it.each([20, 150, 300, 450, 600, 800])('after %d ms ends all of it, in order', async (ms) => {
    const stopMs = async () => {
      const folder = await temporaryFolder();
      const { process, output } = launch({ DATA_DIR: folder.path, JWT_SECRET: SECRET, WORKERS: '2' });
      // Ended means that its output is closed too, which a child that lives on would hold open.
      const ended = exitOf(process);
      await new Promise((resolve) => setTimeout(resolve, ms)); // The moment is what this is about.
      process.kill(signal);
      const took = await elapsedMs(() => ended);
      const { code, signal: by } = await ended;
      // Before there is a handler, the signal ends the process itself; nothing was begun by then.
      if (code === null) expect([by, output.text]).toEqual([signal, '']);
      else expect([code, by]).toEqual([0, null]);
      expect(output.text).not.toMatch(/"level":"(error|fatal)"|^ {4}at /m);
      await folder.remove();
      return took;
    };
    const ratio = await smallestRatio({
      measured: stopMs,
      control: control(),
      enough: TIMES_MAX,
      tries: 3,
    });
    expect(ratio).toBeLessThanOrEqual(TIMES_MAX);
  });
});
