import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../../../src/cli/prove/report.js';
import { exitOf, launch } from '../../../support/server.js';
import type { Bug, Change } from './bugs.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const SECONDS = 4;

/**
 * Proves a copy of the built server that has this bug (undefined: none), and resolves to the report. The tool
 * that does it is the one that is built, without the bug.
 */
export async function proveWith(bug: Bug | undefined, seed: string, seconds = SECONDS): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-test-planted-'));
  try {
    await cp(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
    await cp(join(ROOT, 'package.json'), join(folder, 'package.json'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const change of bug?.changes ?? []) await apply(change, join(folder, 'dist'));
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
    const args = ['prove', ...usual, ...own, '--program', join(folder, 'dist/main.js'), ...(bug?.args ?? [])];
    const { process, output } = launch({}, args);
    await exitOf(process);
    // What is left of a run that found something is of no use to anybody here.
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

async function apply({ file, from, to }: Change, dist: string): Promise<void> {
  const text = await readFile(join(dist, file), 'utf8');
  const times = text.split(from).length - 1;
  if (times !== 1)
    throw new Error(`this patch no longer applies: it matches ${times} times in ${file}: ${from}`);
  await writeFile(
    join(dist, file),
    text.replace(from, () => to),
  );
}
