/** The faults that a run can bring about, and what each of them is. */
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

/** True when the fault needs a Redis to be possible. */
export const needsRedis = (fault: Fault): boolean => fault.includes('redis');

/** A fault, and how often it must come about at least. */
export interface FaultPlan {
  readonly fault: Fault;
  readonly times: number;
}
