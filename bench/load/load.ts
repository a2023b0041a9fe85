import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { processorSeconds } from '../measure/processes.js';
import type { Target } from '../targets/target.js';
import type { FromLoad, LoadResult, Plan, ToLoad } from './plan.js';

const PROCESS = fileURLToPath(new URL('./process.js', import.meta.url));

/** What a load saw, and what it cost the server. */
export interface Outcome extends LoadResult {
  readonly connectMs: number;
  /** Processor time of all the server's processes while it was measured. */
  readonly serverSeconds: number;
}

/**
 * Puts a load on a server from a process of its own. `connected` is called before anything is sent. Rejects when the
 * load cannot be made, or when the server does what none should.
 */
export async function runLoad(
  target: Target,
  plan: Omit<Plan, 'port'>,
  connected: () => Promise<void> | void = () => undefined,
): Promise<Outcome> {
  const child = fork(PROCESS, { serialization: 'json' });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the load's process ended with ${code}`);
  });
  ended.catch(() => undefined);
  const tell = (message: ToLoad) => child.send(message);
  const next = () => Promise.race([once(child, 'message').then(([message]) => message as FromLoad), ended]);
  try {
    let connectMs = 0;
    let serverSeconds = 0;
    tell({ type: 'plan', plan: { ...plan, port: target.port } });
    for (;;) {
      const message = await next();
      if (message.type === 'connected') {
        ({ connectMs } = message);
        await connected();
        tell({ type: 'go' });
      } else if (message.type === 'measuring') {
        serverSeconds = -processorSeconds(target.pids());
      } else if (message.type === 'measured') {
        serverSeconds += processorSeconds(target.pids());
      } else {
        return { ...checked(target, plan, message.result), connectMs, serverSeconds };
      }
    }
  } finally {
    child.kill();
  }
}

/** A number from a run that went wrong is worth nothing. */
function checked(
  target: Target,
  { anyOrder = false }: Pick<Plan, 'anyOrder'>,
  result: LoadResult,
): LoadResult {
  const { unexpected, unanswered, differing, reordered } = result;
  if (unexpected.count + unanswered + differing + (anyOrder ? 0 : reordered) === 0) return result;
  throw new Error(
    `${target.name}: ${unanswered} messages without their echo, ${differing} sockets that saw other messages than ` +
      `others, ${reordered} that saw them in another order, ` +
      `${unexpected.count} unexpected${unexpected.first && `, the first: ${unexpected.first}`}`,
  );
}
