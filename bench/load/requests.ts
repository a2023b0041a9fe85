import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { processorSeconds } from '../measure/processes.js';
import type { Target } from '../targets/target.js';
import type { Percentiles } from './plan.js';

const PROCESS = fileURLToPath(new URL('./requests-process.js', import.meta.url));

/** Requests for autocannon's process; travels as JSON. */
export interface RequestsPlan {
  readonly port: number;
  readonly connections: number;
  readonly method: 'GET' | 'POST';
  /** One that is sent again and again, or many that are each sent once, in this order. */
  readonly requests: RequestPlan | readonly RequestPlan[];
  /** The tokens, which `caller` indexes. */
  readonly tokens: readonly string[];
  /** What each answer must be, where they are all the same. */
  readonly expectedBody?: string;
  readonly warmupMs: number;
  readonly durationMs: number;
}

export interface RequestPlan {
  readonly path: string;
  /** The index of its token. */
  readonly caller: number;
  /** Sent as multipart: this JSON, and a photo of so many bytes. */
  readonly form?: { readonly json: string; readonly photoBytes: number };
}

/** What autocannon saw while it was measured. */
export interface RequestsResult {
  readonly seconds: number;
  readonly answered: number;
  /** In milliseconds. */
  readonly latency: Percentiles;
  /** Processor time of autocannon's process. */
  readonly processorSeconds: number;
}

export type FromRequests =
  | { readonly type: 'measuring' }
  | { readonly type: 'measured' }
  | { readonly type: 'result'; readonly result: RequestsResult };

export interface RequestsOutcome extends RequestsResult {
  /** Processor time of all the server's processes while it was measured. */
  readonly serverSeconds: number;
}

/**
 * Sends requests with autocannon, each connection the next when the last is answered, from a process of its own.
 * Rejects when one is not answered with a 2xx, or with something else than expected.
 */
export async function runRequests(
  target: Target,
  plan: Omit<RequestsPlan, 'port'>,
): Promise<RequestsOutcome> {
  const child = fork(PROCESS, { serialization: 'json' });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${target.name}: autocannon's process ended with ${code}`);
  });
  ended.catch(() => undefined);
  const next = () => Promise.race([once(child, 'message').then(([answer]) => answer as FromRequests), ended]);
  try {
    let serverSeconds = 0;
    child.send({ ...plan, port: target.port } satisfies RequestsPlan);
    for (;;) {
      const message = await next();
      if (message.type === 'measuring') serverSeconds = -processorSeconds(target.pids());
      else if (message.type === 'measured') serverSeconds += processorSeconds(target.pids());
      else return { ...message.result, serverSeconds };
    }
  } finally {
    child.kill();
  }
}
