import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { takeLeaks } from '../support/leaks.js';
import { TestServer } from '../support/server.js';

/** What a test file needs to know of the process tree that the files of a run share. */
interface SharedTree {
  readonly port: number;
  readonly pid: number;
  readonly dataDir: string;
  /** A file with all that the process tree writes. */
  readonly log: string;
  /** A folder in which each test file makes one whose name is a number that no other has. */
  readonly draws: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    sharedTree: SharedTree;
  }
}

/** Starts one server with default settings and two workers for all files of the project, and stops it after them. */
export default async function shareTree(project: TestProject): Promise<() => Promise<void>> {
  let stop = await start(project);
  // In watch mode, users of the run before would be in the way.
  project.onTestsRerun(async () => {
    await stop();
    stop = await start(project);
  });
  return () => stop();
}

async function start(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-test-shared-'));
  const [log, draws] = [join(folder, 'log'), join(folder, 'draws')];
  mkdirSync(draws);
  const server = await TestServer.start({ workers: 2, dataDir: join(folder, 'data'), log });
  const { port, pid, dataDir } = server;
  project.provide('sharedTree', { port, pid, dataDir, log, draws });
  return async () => {
    const { code } = await server.end();
    const problems = [
      ...(code === 0 ? [] : [`it ended with ${code}`]),
      ...failuresIn(server.output),
      ...takeLeaks(),
    ];
    if (problems.length > 0)
      throw new Error(`the server that the test files share is not well:\n${problems.join('\n')}`);
    rmSync(folder, { recursive: true, force: true });
  };
}

/** Lines of a log that say that something went wrong, or that a process ended by itself. */
function failuresIn(output: string): string[] {
  return output
    .split('\n')
    .filter((line) => /"level":"(error|fatal)"|a process ended/.test(line) || line.startsWith('    at '));
}
