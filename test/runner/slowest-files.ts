import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';

const SHOWN = 10;

/** Prints which test files took longest, from the first hook to the last, without loading them. */
export default class SlowestFiles implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const files = modules
      .map((module) => ({ module, seconds: module.diagnostic().duration / 1000 }))
      .sort((a, b) => b.seconds - a.seconds)
      .slice(0, SHOWN);
    if (modules.length <= SHOWN) return;
    console.log(`\nThe ${SHOWN} slowest of ${modules.length} files:`);
    for (const { module, seconds } of files) {
      const name = relative(module.project.config.root, module.moduleId);
      console.log(`${seconds.toFixed(1).padStart(7)} s  ${module.project.name.padEnd(8)} ${name}`);
    }
  }
}
