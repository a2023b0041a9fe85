import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '../../../src/prove/report.js';
import { patchedBuild } from '../../support/build.js';
import { exitOf, launch } from '../../support/server.js';
import type { Bug } from './bug.js';

const SECONDS = 4;

/**
 * Runs the checker of the build against a copy of the server that has this bug (undefined: none), and resolves to the
 * report. The checker itself runs without the bug.
 */
export async function proveWith(bug: Bug | undefined, seed: string, seconds = SECONDS): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-test-planted-'));
  try {
    const program = patchedBuild(folder, bug?.changes ?? []);
    const usual = [
      '--redis',
      'no',
      '--users',
      '12',
      '--rate',
      '500',
      '--seconds',
      String(seconds),
      '--fault-every',
      '150',
    ];
    const own = ['--answer-ms', '5000', '--faults', 'none', '--seed', seed, '--report', folder];
    const args = ['prove', ...usual, ...own, '--program', program, ...(bug?.args ?? [])];
    const { process, output } = launch({}, args);
    await exitOf(process);
    // A run that found something keeps its folder, which nobody needs here.
    const left = /: (\S+parley-prove-\w+)$/m.exec(output.text)?.[1];
    if (left !== undefined) await rm(left, { recursive: true });
    const json = await readFile(join(folder, 'report.json'), 'utf8').catch(() => {
      throw new Error(`no report: ${output.text}`);
    });
    return (JSON.parse(json) as Report[])[0] as Report;
  } finally {
    await rm(folder, { recursive: true });
  }
}
