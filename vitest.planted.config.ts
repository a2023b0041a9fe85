import { defineConfig } from 'vitest/config';

/** Longer than the tests: every planted bug must be caught (npm run prove:planted). */
export default defineConfig({
  test: { include: ['test/**/*.planted.ts'], pool: 'forks', testTimeout: 180_000 },
});
