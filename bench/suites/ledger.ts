import { cpSync } from 'node:fs';
import type { Metrics } from '../measure/measurement.js';
import { LEDGER_USERS, membersOf, runLedger } from '../parts/ledger.js';
import { withDataDir } from '../targets/parley.js';
import { populate } from '../targets/population.js';
import { alternate, type Effort, type Subject, type Suite } from './suite.js';

const SUITE = 'ledger';
const BATCHES = [1, 8, 64, 256];
const CHATS = [1000, 100_000];
const SECONDS_MAX = 5;

/**
 * The ledger alone, without link and workers: how fast it stores messages, each checked for its author's membership
 * and for a repeat of its client id, in transactions of so many that are synced one by one.
 */
export const ledger: Suite = async function* (effort) {
  for (const chats of CHATS) {
    const batches = effort.quick ? [64] : BATCHES;
    yield* await withDataDir(async (template) => {
      const groups = Array.from({ length: chats }, (_, index) => membersOf(index));
      const made = await populate(template, LEDGER_USERS, groups);
      if (made.groups.at(-1)?.id !== chats) throw new Error('the chats do not have the ids 1, 2, 3, …');
      return alternate(
        effort,
        batches.map((batch) => subject(template, chats, batch, effort)),
      );
    });
  }
};

function subject(template: string, chats: number, batch: number, { seconds }: Effort): Subject {
  return {
    suite: SUITE,
    name: `batches of ${batch}`,
    target: 'parley',
    parameters: { batch, chats },
    trial: () => trial(template, chats, batch, Math.min(seconds, SECONDS_MAX) * 1000),
  };
}

function trial(template: string, chats: number, batch: number, durationMs: number): Promise<Metrics> {
  return withDataDir(async (dataDir) => {
    cpSync(template, dataDir, { recursive: true });
    const { messages, seconds, processorSeconds } = await runLedger({ dataDir, chats, batch, durationMs });
    return {
      messages_per_s: messages / seconds,
      us_per_message: (seconds / messages) * 1e6,
      server_us_per_message: (processorSeconds / messages) * 1e6,
    };
  });
}
