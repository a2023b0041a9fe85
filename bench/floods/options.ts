import { parseArgs } from 'node:util';
import { ATTACK_NAMES, type AttackName } from './attacks/all.js';

export interface Options {
  readonly attacks: readonly AttackName[];
  readonly rounds: number;
  readonly seconds: number;
  readonly workers: number;
  /** Where the report goes, from the root of the project or absolute. */
  readonly out: string;
  /** Where the server's processes write their CPU profiles, when they end. */
  readonly profile: string | undefined;
}

const REPORTED = 'bench/results/floods';
const SCRATCH = 'bench/results/scratch/floods';

export const USAGE = `usage: npm run prove:floods [-- options]

Floods a server that was started as users start it, with its limits on, while others talk, ask and connect at a steady
low rate; each flood in turn with the same time without it. Nothing else should run on the machine.

  --only <a,b>      these floods: ${ATTACK_NAMES.join(', ')}
  --rounds <n>      phases without and with each flood (default 5)
  --seconds <n>     of each phase (default 8)
  --workers <n>     of the server (default 2)
  --out <folder>    where the report goes. Default: ${REPORTED} for a whole run, which is committed;
                    ${SCRATCH}, which git ignores, with any other option
  --profile <folder>  the server's processes write CPU profiles there

Exit code 1: somebody was harmed. The report says who and how.`;

/** Throws an Error that says what is wrong. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      workers: { type: 'string' },
      out: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { only, rounds, seconds, profile } = values;
  const isPart = [only, rounds, seconds, profile].some((value) => value !== undefined);
  return {
    attacks: only === undefined ? ATTACK_NAMES : only.split(',').map(attackNamed),
    rounds: countOf('rounds', rounds ?? '5'),
    seconds: countOf('seconds', seconds ?? '8'),
    workers: countOf('workers', values.workers ?? '2'),
    out: values.out ?? (isPart ? SCRATCH : REPORTED),
    profile,
  };
}

function attackNamed(name: string): AttackName {
  const found = ATTACK_NAMES.find((one) => one === name);
  if (found === undefined) throw new Error(`there is no flood ${name}; there are ${ATTACK_NAMES.join(', ')}`);
  return found;
}

function countOf(name: string, value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new Error(`--${name} must be a whole number from 1`);
  return Number(value);
}
