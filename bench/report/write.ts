import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GOALS } from '../goals.js';
import { chartsOf } from './charts.js';
import { markdownOf } from './markdown.js';
import type { Report } from './report.js';

/** Writes report.json, report.md and the charts into a folder, in place of those that were there. */
export function writeReport(folder: string, report: Report): void {
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(folder)) if (file.endsWith('.svg')) rmSync(join(folder, file));
  const charts = chartsOf(report.measurements);
  for (const { file, svg } of charts) writeFileSync(join(folder, file), svg);
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 1)}\n`);
  writeFileSync(join(folder, 'report.md'), markdownOf(report, GOALS, charts));
}
