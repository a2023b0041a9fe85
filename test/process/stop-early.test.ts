import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/ledger.js';
import { exitOf, launch, SECRET } from '../support/server.js';

const STOP_MS_MAX = 5000;

// Loading, the ledger, the workers, serving: on any machine some of these fall into each.
describe.each(['SIGTERM', 'SIGINT'] as const)('%s while the process tree is starting', (signal) => {
  it.each([20, 150, 300, 450, 600, 800])('after %d ms ends all of it, in order', async (ms) => {
    const folder = await temporaryFolder();
    const { process, output } = launch({ DATA_DIR: folder.path, JWT_SECRET: SECRET, WORKERS: '2' });
    // Ended means that its output is closed too, which a child that lives on would hold open.
    const ended = exitOf(process);
    await new Promise((resolve) => setTimeout(resolve, ms)); // The moment is what this is about.
    const begin = performance.now();
    process.kill(signal);
    const { code, signal: by } = await ended;
    expect(performance.now() - begin).toBeLessThan(STOP_MS_MAX);
    // Before there is a handler, the signal ends the process itself; nothing was begun by then.
    if (code === null) expect([by, output.text]).toEqual([signal, '']);
    else expect([code, by]).toEqual([0, null]);
    expect(output.text).not.toMatch(/"level":"(error|fatal)"|^ {4}at /m);
    await folder.remove();
  });
});
