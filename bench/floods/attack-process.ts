import { answer } from '../parts/dialogue.js';
import { ATTACKS, type AttackName } from './attacks/all.js';
import type { Attack } from './attacks/attack.js';
import type { World } from './world.js';

export interface AttackPlan {
  readonly world: World;
  readonly attack: AttackName;
  /** Of the full number of connections. */
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
