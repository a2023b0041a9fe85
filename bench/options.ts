import { parseArgs } from 'node:util';
import { SUITES, type SuiteName } from './suites/all.js';
import type { Effort } from './suites/suite.js';

export interface Options {
  readonly suites: readonly SuiteName[];
  readonly effort: Effort;
  /** Where the report goes, from the root of the project or absolute. */
  readonly out: string;
  /** A report to write anew from its JSON, instead of measuring; its folder. */
  readonly render: string | undefined;
}

const FULL: Effort = { trials: 5, sideTrials: 2, seconds: 3, warmupSeconds: 2, quick: false };
const QUICK: Effort = { trials: 1, sideTrials: 1, seconds: 1.5, warmupSeconds: 0.5, quick: true };
const LATEST = 'bench/results/latest';
const SCRATCH = 'bench/results/scratch';

export const USAGE = `usage: npm run bench [-- options]

Measures the server beside the bare engine and its peers, and writes report.json, report.md and charts. Servers run in
fresh processes for each trial, and those that are compared take turns. Nothing else should run on the machine.

  --quick            under three minutes: one short trial each; large databases and many connections are left out
  --only <a,b>       these suites: ${SUITES.join(', ')}
  --trials <n>       of what the numbers to reach rest on (default ${FULL.trials}; with --quick ${QUICK.trials}); of the
                     rest at most ${FULL.sideTrials}
  --out <folder>     where the report goes. Default: ${LATEST} for a whole run, which is committed;
                     ${SCRATCH}, which git ignores, with --quick or --only
  --render <folder>  measures nothing: writes report.md and the charts of that folder's report.json anew

Exit code 1: a suite failed. The report says why, and has what the others found.`;

/** Throws an Error that says what is wrong. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      trials: { type: 'string' },
      out: { type: 'string' },
      render: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const base = values.quick ? QUICK : FULL;
  const trials = values.trials ?? String(base.trials);
  if (!/^[1-9]\d*$/.test(trials)) throw new Error('--trials must be a whole number from 1');
  const isPart = values.quick || values.only !== undefined;
  return {
    suites: values.only === undefined ? SUITES : values.only.split(',').map(suiteNamed),
    effort: { ...base, trials: Number(trials) },
    out: values.out ?? (isPart ? SCRATCH : LATEST),
    render: values.render,
  };
}

function suiteNamed(name: string): SuiteName {
  const found = SUITES.find((one) => one === name);
  if (found === undefined) throw new Error(`there is no suite ${name}; there are ${SUITES.join(', ')}`);
  return found;
}
