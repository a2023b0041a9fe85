import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Command } from '../../src/chat/commands.js';
import { openWriteStore } from '../../src/store/sqlite/write/ledger-store.js';
import { type LedgerFound, type LedgerPlan, messageOf } from './ledger.js';
import { answerPlan } from './process.js';

const WARMUP_BATCH = 500;
const WARMUP_MESSAGES_MIN = 20_000;

answerPlan<LedgerPlan, LedgerFound>(async ({ dataDir, chats, batch, durationMs }) => {
  const store = openWriteStore(dataDir, Date.now(), fail);
  const checkpoints = store.maintain({ done: () => undefined, failed: fail });
  let batches = 0;
  let messages = 0;

  /** As they come over the link: strings that nobody has looked at yet. */
  const nextBatch = (size: number): Command[] => {
    const commands = Array.from({ length: size }, (_, index) => messageOf(messages + index, chats));
    messages += size;
    return JSON.parse(JSON.stringify(commands)) as Command[];
  };
  const apply = async (commands: readonly Command[]) => {
    batches += 1;
    const own = { worker: 'bench', number: batches, confirmed: batches - 1, crashes: 0, commands };
    const { outcomes } = await store.apply([own], Date.now());
    checkpoints.committed();
    const [found = []] = outcomes;
    const wrong = found.find((outcome) => !('ok' in outcome && 'time' in outcome.ok));
    if (found.length !== commands.length || wrong !== undefined) fail(JSON.stringify(wrong));
  };

  // Every author once: from then on the ledger knows them, as far as it remembers so many.
  while (messages < Math.max(2 * chats, WARMUP_MESSAGES_MIN)) {
    await apply(nextBatch(WARMUP_BATCH));
    await nextTurn();
  }
  const newest = store.newest();
  const before = messages;
  let elapsedMs = 0;
  let processorMicroseconds = 0;
  while (elapsedMs < durationMs) {
    const commands = nextBatch(batch);
    const processor = process.cpuUsage();
    const start = performance.now();
    await apply(commands);
    await nextTurn();
    elapsedMs += performance.now() - start;
    const { user, system } = process.cpuUsage(processor);
    processorMicroseconds += user + system;
  }
  const stored = store.newest() - newest;
  if (stored !== messages - before) fail(`${stored} of ${messages - before} messages are stored`);
  await checkpoints.close();
  store.close();
  return { messages: stored, seconds: elapsedMs / 1000, processorSeconds: processorMicroseconds / 1e6 };
});

function fail(what: unknown): never {
  throw what instanceof Error ? what : new Error(`the ledger did something else than storing: ${what}`);
}
