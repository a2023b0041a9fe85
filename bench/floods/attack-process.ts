import { answer } from '../parts/dialogue.js';
import { ATTACKS, type AttackName } from './attacks/all.js';
import type { Attack } from './attacks/attack.js';
import type { FloodSetup } from './stage.js';

export interface AttackPlan {
  readonly setup: FloodSetup;
  readonly attack: AttackName;
  /** The share of the full number of connections that is opened. */
  readonly scale: number;
}

let attack: Attack | undefined;
let counts: Record<string, number> = {};

function count(what: string, times = 1): void {
  counts[what] = (counts[what] ?? 0) + times;
}

answer({
  prepare: async ({ attack: name, ...plan }: AttackPlan) => {
    attack = await ATTACKS[name]({ ...plan, count });
    await attack.prepare?.();
  },
  begin: () => {
    counts = {};
    attack?.begin();
  },
  /** What was done since `begin`, and what it was answered. */
  end: () => {
    attack?.end();
    return counts;
  },
});
