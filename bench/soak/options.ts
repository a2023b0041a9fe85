import { parseArgs } from 'node:util';

export interface Options {
  readonly minutes: number;
  readonly visitsPerSecond: number;
  readonly workers: number;
  /** Where the report goes, from the root of the project or absolute. */
  readonly out: string;
}

const MINUTES = '30';
const REPORTED = 'bench/results/soak';
const SCRATCH = 'bench/results/scratch/soak';

export const USAGE = `usage: npm run soak [-- options]

Users come and go, talk, ask, and make and delete groups, 200 connections a second, and then all leave. Memory must
stay level, and file descriptors and all that the server's processes hold for users must go back to where they were.

  --minutes <n>     (default ${MINUTES}); the first third warms up
  --visits <n>      connections a second (default 200)
  --workers <n>     of the server (default 2)
  --out <folder>    where the report goes. Default: ${REPORTED} for ${MINUTES} minutes and more, which is committed;
                    ${SCRATCH}, which git ignores, for fewer

Exit code 1: something grew, or went wrong. The report says what.`;

/** Throws an Error that says what is wrong. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: MINUTES },
      visits: { type: 'string', default: '200' },
      workers: { type: 'string', default: '2' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const minutes = countOf('minutes', values.minutes);
  return {
    minutes,
    visitsPerSecond: countOf('visits', values.visits),
    workers: countOf('workers', values.workers),
    out: values.out ?? (minutes >= Number(MINUTES) ? REPORTED : SCRATCH),
  };
}

function countOf(name: string, value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new Error(`--${name} must be a whole number from 1`);
  return Number(value);
}
