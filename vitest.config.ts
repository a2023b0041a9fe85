import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

/**
 * Tests in tiers. A file that is named `….timing.test.ts` measures processor time, so nothing runs beside it. What
 * needs a running server is in the folders of SERVER, what takes a while on purpose in those of CAMPAIGN; all other
 * files test units, within one process.
 */
const TIMING = ['test/**/*.timing.test.ts'];
const CAMPAIGN = ['test/{campaign,fuzz,power,proxies}/**/*.test.ts'];
const SERVER = ['test/{contract,conformance,process}/**/*.test.ts'];

function tier(
  name: string,
  include: string[],
  others: string[],
  more: TestProjectInlineConfiguration['test'] = {},
): TestProjectInlineConfiguration {
  return { extends: true, test: { name, include, exclude: others, ...more } };
}

export default defineConfig({
  test: {
    setupFiles: ['test/runner/each-file.ts'],
    pool: 'forks',
    // To load the code anew for each file would take longer than most of them.
    isolate: false,
    // Enough for a machine that is busy with something else: a test fails by what it sees, not by how long that takes.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // More than processors: much of the time is waiting.
    maxWorkers: 4,
    maxConcurrency: 10,
    reporters: ['default', './test/runner/slowest-files.ts'],
    projects: [
      tier('campaign', CAMPAIGN, TIMING),
      tier('server', SERVER, TIMING, { globalSetup: 'test/runner/shared-tree.ts' }),
      tier('unit', ['test/**/*.test.ts'], [...CAMPAIGN, ...SERVER, ...TIMING]),
      tier('timing', TIMING, [], { maxWorkers: 1, sequence: { groupOrder: 1 } }),
    ],
  },
});
