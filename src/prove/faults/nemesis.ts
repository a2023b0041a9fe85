import { setTimeout as sleep } from 'node:timers/promises';
import type { Workload } from '../clients/workload.js';
import { Event } from '../history.js';
import type { Random } from '../random.js';
import type { World } from '../run-context.js';
import type { Deployment, Role } from './deployment.js';
import type { Redis } from './redis.js';

/** What can be broken, each with what is done. */
export const FAULTS = {
  worker: 'SIGKILL of a worker',
  ledger: 'SIGKILL of the ledger',
  primary: 'SIGKILL of the primary, which a supervisor starts again',
  'freeze-worker': 'a worker stands still for 0.2–3 s (SIGSTOP, SIGCONT)',
  'freeze-ledger': 'the ledger stands still for 0.2–3 s',
  cut: "a third of the clients' connections are cut",
  redis: 'SIGKILL of Redis, which is started again after 0–2 s',
  'freeze-redis': 'Redis stands still for 0.2–3 s',
  'redis-clients': 'CLIENT KILL: Redis ends all connections',
} as const;

export type Fault = keyof typeof FAULTS;
export const isFault = (name: string): name is Fault => Object.hasOwn(FAULTS, name);
export const ofRedis = (fault: Fault): boolean => fault.includes('redis');

/** A fault to bring about, and how often at least; 0: as often as it comes. */
export interface Plan {
  readonly fault: Fault;
  readonly times: number;
}

export interface NemesisParts {
  readonly world: World;
  readonly workload: Workload;
  readonly deployment: Deployment | undefined;
  readonly redis: Redis | undefined;
  readonly random: Random;
  /** Mean time between the recovery from one fault and the next. */
  readonly everyMs: number;
  readonly say: (text: string) => void;
}

const FREEZE_MS_MIN = 200;
const FREEZE_MS_MAX = 3000;
const REDIS_AWAY_MS_MAX = 2000;
/** This share of the faults comes while the one before is not over. */
const OVERLAP_SHARE = 0.2;
const RECOVERY_MS_MAX = 30_000;
const LOOK_EVERY_MS = 10;

/** Breaks parts of the deployment, one after the other and sometimes two at once, and waits for each to be mended. */
export class Nemesis {
  readonly #parts: NemesisParts;
  readonly #plans: readonly Plan[];
  readonly #done = new Map<Fault, number>();
  /** How long each recovery took, by fault. */
  readonly recoveriesMs = new Map<Fault, number[]>();
  readonly #pending = new Set<Promise<void>>();
  #stopped = false;

  constructor(parts: NemesisParts, plans: readonly Plan[]) {
    this.#parts = parts;
    this.#plans = plans;
  }

  /** True when every fault came as often as was asked for. */
  get isDone(): boolean {
    return this.#plans.every(({ fault, times }) => this.count(fault) >= times);
  }

  count(fault: Fault): number {
    return this.#done.get(fault) ?? 0;
  }

  get faults(): number {
    return [...this.#done.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Resolves after `stop`, when the last fault is mended. */
  async run(): Promise<void> {
    const { random, everyMs } = this.#parts;
    while (!this.#stopped && this.#plans.length > 0) {
      await sleep(everyMs * (0.5 + random.next()));
      if (this.#stopped) break;
      const fault = this.#next();
      const one = this.#strike(fault).catch((error: Error) => {
        this.#parts.world.tally.unexpected('fault', `${fault}: ${error.message}`);
      });
      this.#pending.add(one);
      void one.finally(() => this.#pending.delete(one));
      if (!random.chance(OVERLAP_SHARE)) await Promise.all(this.#pending);
    }
    await Promise.all(this.#pending);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Faults with more left to do come more often. */
  #next(): Fault {
    const left = this.#plans.map(({ fault, times }) => Math.max(0, times - this.count(fault)));
    const sum = left.reduce((total, count) => total + count, 0);
    if (sum === 0) return this.#parts.random.pick(this.#plans).fault;
    let drawn = this.#parts.random.next() * sum;
    for (const [index, { fault }] of this.#plans.entries()) {
      drawn -= left[index] ?? 0;
      if (drawn < 0) return fault;
    }
    return this.#parts.random.pick(this.#plans).fault;
  }

  async #strike(fault: Fault): Promise<void> {
    const { world, workload, deployment, redis, say } = this.#parts;
    const since = world.now();
    world.history.add(Event.fault, fault);
    if (!(await this.#bring(fault))) return; // Whom it was meant for was not there.
    this.#done.set(fault, this.count(fault) + 1);
    const isMended = async () =>
      (deployment?.isWhole ?? true) &&
      workload.recoveredSince(since) &&
      (!ofRedis(fault) || redis === undefined || (await redis.answers()));
    while (!(await isMended())) {
      if (world.now() - since > RECOVERY_MS_MAX) {
        say(`no recovery from ${fault} within ${RECOVERY_MS_MAX / 1000} s`);
        return world.tally.unexpected('recovery', `from ${fault}, none within ${RECOVERY_MS_MAX} ms`);
      }
      await sleep(LOOK_EVERY_MS);
    }
    const all = this.recoveriesMs.get(fault) ?? [];
    all.push(world.now() - since);
    this.recoveriesMs.set(fault, all);
  }

  async #bring(fault: Fault): Promise<boolean> {
    const { workload, redis, random } = this.#parts;
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
        if (redis === undefined || !(await redis.kill())) return false;
        await sleep(random.next() * REDIS_AWAY_MS_MAX);
        await redis.start();
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
    await sleep(this.#parts.random.from(FREEZE_MS_MIN, FREEZE_MS_MAX));
    this.#parts.deployment?.signal(pid, 'SIGCONT');
    return true;
  }

  #signalOne(role: Role, signal: NodeJS.Signals): number | undefined {
    const { deployment, random } = this.#parts;
    const pids = deployment?.pids(role) ?? [];
    if (deployment === undefined || pids.length === 0) return undefined;
    const pid = random.pick(pids);
    deployment.signal(pid, signal);
    return pid;
  }
}
