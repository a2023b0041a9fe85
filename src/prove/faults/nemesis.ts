import { setTimeout as sleep } from 'node:timers/promises';
import type { Workload } from '../clients/workload.js';
import { Event } from '../history.js';
import type { Random } from '../random.js';
import type { RunContext } from '../run-context.js';
import type { Deployment, Role } from './deployment.js';
import { type Fault, type FaultPlan, needsRedis } from './faults.js';
import type { RedisServer } from './redis-server.js';

export interface NemesisOptions {
  readonly context: RunContext;
  readonly workload: Workload;
  /** Undefined when the run tests a server that it has not started. */
  readonly deployment: Deployment | undefined;
  readonly redis: RedisServer | undefined;
  readonly random: Random;
  /** The mean time between the recovery from one fault and the next fault. */
  readonly everyMs: number;
  readonly print: (text: string) => void;
}

const FREEZE_MS_MIN = 200;
const FREEZE_MS_MAX = 3000;
const REDIS_AWAY_MS_MAX = 2000;
/** This share of the faults comes before the recovery from the one before. */
const OVERLAP_SHARE = 0.2;
const RECOVERY_MS_MAX = 30_000;
const POLL_EVERY_MS = 10;

/** Breaks parts of the deployment, mostly one after the other, and waits for the recovery from each fault. */
export class Nemesis {
  readonly #options: NemesisOptions;
  readonly #plans: readonly FaultPlan[];
  readonly #counts = new Map<Fault, number>();
  /** How long each recovery took, by fault. */
  readonly recoveriesMs = new Map<Fault, number[]>();
  readonly #pending = new Set<Promise<void>>();
  #isStopped = false;

  constructor(options: NemesisOptions, plans: readonly FaultPlan[]) {
    this.#options = options;
    this.#plans = plans;
  }

  /** True when every fault came about as often as was asked for. */
  get isDone(): boolean {
    return this.#plans.every(({ fault, times }) => this.count(fault) >= times);
  }

  /** How often a fault came about. */
  count(fault: Fault): number {
    return this.#counts.get(fault) ?? 0;
  }

  /** How many faults came about. */
  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Resolves after `stop`, and after the recovery from the last fault. */
  async run(): Promise<void> {
    const { random, everyMs, context } = this.#options;
    while (!this.#isStopped && this.#plans.length > 0) {
      await sleep(everyMs * (0.5 + random.next()));
      if (this.#isStopped) break;
      const fault = this.#next();
      const pending = this.#injectAndRecover(fault).catch((error: Error) => {
        context.tally.unexpected('fault', `${fault}: ${error.message}`);
      });
      this.#pending.add(pending);
      void pending.finally(() => this.#pending.delete(pending));
      if (!random.chance(OVERLAP_SHARE)) await Promise.all(this.#pending);
    }
    await Promise.all(this.#pending);
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Draws the next fault; those that must come more often are drawn more often. */
  #next(): Fault {
    const { random } = this.#options;
    const left = this.#plans.map(({ fault, times }) => Math.max(0, times - this.count(fault)));
    const sum = left.reduce((total, count) => total + count, 0);
    if (sum === 0) return random.pick(this.#plans).fault;
    let drawn = random.next() * sum;
    for (const [index, { fault }] of this.#plans.entries()) {
      drawn -= left[index] ?? 0;
      if (drawn < 0) return fault;
    }
    return random.pick(this.#plans).fault;
  }

  async #injectAndRecover(fault: Fault): Promise<void> {
    const { context, print } = this.#options;
    const sinceMs = context.now();
    context.history.add(Event.fault, fault);
    if (!(await this.#inject(fault))) return;
    this.#counts.set(fault, this.count(fault) + 1);
    while (!(await this.#hasRecovered(fault, sinceMs))) {
      if (context.now() - sinceMs > RECOVERY_MS_MAX) {
        print(`no recovery from ${fault} within ${RECOVERY_MS_MAX / 1000} s`);
        return context.tally.unexpected('recovery', `from ${fault}, none within ${RECOVERY_MS_MAX} ms`);
      }
      await sleep(POLL_EVERY_MS);
    }
    const recoveries = this.recoveriesMs.get(fault) ?? [];
    recoveries.push(context.now() - sinceMs);
    this.recoveriesMs.set(fault, recoveries);
  }

  async #hasRecovered(fault: Fault, sinceMs: number): Promise<boolean> {
    const { workload, deployment, redis } = this.#options;
    if (deployment?.isComplete === false || !workload.hasRecoveredSince(sinceMs)) return false;
    return !needsRedis(fault) || redis === undefined || (await redis.answers());
  }

  /** Resolves to false when what the fault is meant for was not there. */
  async #inject(fault: Fault): Promise<boolean> {
    const { workload, redis, random } = this.#options;
    switch (fault) {
      case 'worker':
      case 'ledger':
      case 'primary':
        return this.#signalOne(fault, 'SIGKILL') !== undefined;
      case 'freeze-worker':
        return this.#freeze('worker');
      case 'freeze-ledger':
        return this.#freeze('ledger');
      case 'cut':
        workload.cut();
        return true;
      case 'redis':
        // When another fault has ended it already, that fault starts it again.
        if (redis === undefined || !(await redis.end('SIGKILL'))) return false;
        await sleep(random.next() * REDIS_AWAY_MS_MAX);
        await redis.launch();
        return true;
      case 'freeze-redis':
        if (!redis?.signal('SIGSTOP')) return false;
        await sleep(random.from(FREEZE_MS_MIN, FREEZE_MS_MAX));
        redis.signal('SIGCONT');
        return true;
      case 'redis-clients':
        await redis?.killClients();
        return true;
    }
  }

  async #freeze(role: Role): Promise<boolean> {
    const pid = this.#signalOne(role, 'SIGSTOP');
    if (pid === undefined) return false;
    const { random, deployment } = this.#options;
    await sleep(random.from(FREEZE_MS_MIN, FREEZE_MS_MAX));
    deployment?.signal(pid, 'SIGCONT');
    return true;
  }

  /** Returns the id of the process that got the signal, undefined when there is none in this role. */
  #signalOne(role: Role, signal: NodeJS.Signals): number | undefined {
    const { deployment, random } = this.#options;
    const pids = deployment?.pids(role) ?? [];
    if (deployment === undefined || pids.length === 0) return undefined;
    const pid = random.pick(pids);
    deployment.signal(pid, signal);
    return pid;
  }
}
