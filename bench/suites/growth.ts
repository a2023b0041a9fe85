import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Measurement } from '../measure/measurement.js';
import { type Contender, enginePerTick, parley, parleyOver } from '../targets/contender.js';
import { withDataDir } from '../targets/parley.js';
import { populate } from '../targets/population.js';
import { chatsPerUser } from './chats-per-user.js';
import { pairs, subject } from './conversation.js';
import { alternate, type Effort, type Subject, type Suite } from './suite.js';

const SUITE = 'growth';
/** A new ledger reads the newest of every chat before its first message there, which takes the longer the more there is. */
const WARMUP_SECONDS_MIN = 6;
const MEMBERS = [100, 1000, 10_000];
const SENDERS = 64;
const GROUPS = 1000;
const OPEN_PER_S = 4000;
/** Messages in each of the thousand groups. The suite `store` reads ten million in all. */
const MESSAGES = [100, 1000];
const WORKERS = [1, 2, 4, 8];

/** What the same costs when there is ten times as much: of members, chats, messages, workers. Full effort only. */
export const growth: Suite = async function* (effort) {
  if (effort.quick) return;
  const warmupSeconds = Math.max(effort.warmupSeconds, WARMUP_SECONDS_MIN);
  const shorter = { ...effort, trials: 1, warmupSeconds };
  yield* await members(shorter);
  yield* await chatsPerUser(SUITE, shorter);
  yield* await messagesStored(shorter);
  yield* await workers(shorter);
};

function members(effort: Effort): Promise<Measurement[]> {
  const subjects = MEMBERS.flatMap((count) => {
    const group = Array.from({ length: count }, (_, index) => index + 1);
    return [parley(1), enginePerTick].map((contender) =>
      subject(contender, {
        suite: SUITE,
        name: 'members of a group',
        crowd: { groups: [group], sendersPerGroup: SENDERS },
        load: { kind: 'closed', window: 1 },
        duration: effort,
      }),
    );
  });
  return alternate(effort, subjects);
}

/** The databases are made once; each trial has a copy. */
function messagesStored(effort: Effort): Promise<Measurement[]> {
  const groups = pairs(GROUPS);
  return withDataDir(async (folder) => {
    const subjects: Subject[] = [];
    for (const messagesPerGroup of MESSAGES) {
      const filled = join(folder, String(messagesPerGroup));
      mkdirSync(filled);
      const population = await populate(filled, 2 * GROUPS, groups, messagesPerGroup);
      const contender = parleyOver(1, async (dataDir) => {
        cpSync(filled, dataDir, { recursive: true });
        return population;
      });
      const open = conversationAtFixedRate(contender, effort, 'messages stored');
      const parameters = { ...open.parameters, messages_stored: messagesPerGroup * GROUPS };
      subjects.push({ ...open, parameters });
    }
    return await alternate(effort, subjects);
  });
}

/** The numbers of workers include more than there are cores: then the processor time of a message counts. */
function workers(effort: Effort): Promise<Measurement[]> {
  return alternate(
    effort,
    WORKERS.map((count) => conversationAtFixedRate(parley(count), effort, 'workers')),
  );
}

function conversationAtFixedRate(contender: Contender, effort: Effort, name: string): Subject {
  return subject(contender, {
    suite: SUITE,
    name,
    crowd: { groups: pairs(GROUPS), sendersPerGroup: 1 },
    load: { kind: 'open', perSecond: OPEN_PER_S },
    duration: effort,
  });
}
