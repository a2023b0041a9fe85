import { setTimeout as sleep } from 'node:timers/promises';
import { privateBytes, processorSeconds } from '../measure/processes.js';
import { Part } from '../parts/dialogue.js';
import type { AttackPlan } from './attack-process.js';
import type { AttackName } from './attacks/all.js';
import type { Stage } from './stage.js';
import type { PhaseFound } from './victims.js';

const ATTACK_PROCESS = new URL('./attack-process.js', import.meta.url);
/** Attackers get what processor time the server and the victims leave them. */
const ATTACKERS_NICENESS = 19;
/** The pause between a flood and the next measurement without one. */
const SETTLE_MS = 2000;

export interface FloodOptions {
  readonly attack: AttackName;
  readonly scale: number;
  /** The number of rounds. Each is a phase without the flood and one with it. */
  readonly rounds: number;
  readonly seconds: number;
}

export interface Phase extends PhaseFound {
  readonly seconds: number;
  readonly serverProcessorSeconds: number;
}

export interface FloodPhase extends Phase {
  /** What the attackers did, and what they were answered. */
  readonly counts: Readonly<Record<string, number>>;
}

/** What a flood did to the victims: phases in the order in which they ran, one without and one with it in turn. */
export interface FloodFound {
  readonly attack: AttackName;
  readonly calm: readonly Phase[];
  readonly flooded: readonly FloodPhase[];
  /** The memory of the server before the first and after the last flood. */
  readonly serverBytes: { readonly before: number; readonly after: number };
}

export async function flood(
  stage: Stage,
  { attack, scale, rounds, seconds }: FloodOptions,
): Promise<FloodFound> {
  const { server, setup } = stage;
  const attackers = new Part(ATTACK_PROCESS, ATTACKERS_NICENESS);
  try {
    await attackers.ask('prepare', { setup, attack, scale } satisfies AttackPlan);
    await sleep(SETTLE_MS);
    const before = privateBytes(server.pids());
    const calm: Phase[] = [];
    const flooded: FloodPhase[] = [];
    for (let round = 0; round < rounds; round++) {
      calm.push(await phase(stage, seconds));
      await attackers.ask('begin');
      const found = await phase(stage, seconds);
      flooded.push({ ...found, counts: await attackers.ask('end') });
      await sleep(SETTLE_MS);
    }
    return { attack, calm, flooded, serverBytes: { before, after: privateBytes(server.pids()) } };
  } finally {
    await attackers.stop();
  }
}

/** Runs a short flood. Right before it, the victims are measured without one for a third of that time. */
export async function shortFlood(
  { victims, setup }: Stage,
  { attack, scale, seconds }: Omit<FloodOptions, 'rounds'>,
): Promise<{ calm: PhaseFound; flooded: PhaseFound & Pick<FloodPhase, 'counts'> }> {
  const attackers = new Part(ATTACK_PROCESS, ATTACKERS_NICENESS);
  try {
    await attackers.ask('prepare', { setup, attack, scale } satisfies AttackPlan);
    await victims.ask('begin');
    await sleep((seconds * 1000) / 3);
    const calm = await victims.ask<PhaseFound>('end');
    await victims.ask('begin');
    await attackers.ask('begin');
    await sleep(seconds * 1000);
    const counts = await attackers.ask<FloodPhase['counts']>('end');
    return { calm, flooded: { ...(await victims.ask<PhaseFound>('end')), counts } };
  } finally {
    await attackers.stop();
  }
}

async function phase({ server, victims }: Stage, seconds: number): Promise<Phase> {
  const pids = server.pids();
  const before = processorSeconds(pids);
  await victims.ask('begin');
  await sleep(seconds * 1000);
  const serverProcessorSeconds = processorSeconds(pids) - before;
  const found = await victims.ask<PhaseFound>('end');
  return { ...found, seconds, serverProcessorSeconds };
}
