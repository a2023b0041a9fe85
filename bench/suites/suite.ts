import { refersTo } from '../goal.js';
import { GOALS } from '../goals.js';
import { type Measurement, type Metrics, medians } from '../measure/measurement.js';

/** How much is measured. */
export interface Effort {
  /** How many runs each subject has, in turn with the others. The median counts. */
  readonly trials: number;
  /** The same for subjects that no goal rests on. */
  readonly sideTrials: number;
  /** The length of each run after its warm-up. */
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Leaves out what takes long: large databases, many connections, growth. */
  readonly quick: boolean;
  /** Leaves out all others; undefined: nothing is left out. */
  readonly only?: (subject: Subject) => boolean;
  /** Called after each run. */
  readonly trialEnded?: (subject: Subject, metrics: Metrics) => void;
}

/** A group of measurements that belong together; each comes when it is done. */
export type Suite = (effort: Effort) => AsyncIterable<Measurement>;

export interface Subject extends Pick<Measurement, 'suite' | 'name' | 'target' | 'parameters'> {
  /** One run, in fresh processes. */
  readonly trial: () => Promise<Metrics>;
}

/** The machine was busy with something else: the run says nothing of the server. */
export class Disturbed extends Error {}

/** A run that was disturbed has a second try; anything else that goes wrong is the server's. */
async function undisturbed({ trial }: Subject): Promise<Metrics> {
  try {
    return await trial();
  } catch (error) {
    if (!(error instanceof Disturbed)) throw error;
    return trial();
  }
}

/** Whether a number to reach is computed from it. */
function hasGoal(subject: Subject): boolean {
  return GOALS.some(({ quantities }) =>
    quantities.some(({ of, to }) => refersTo(of, subject) || (to !== undefined && refersTo(to, subject))),
  );
}

/** Runs all subjects in turn, so many times: what changes on the machine meanwhile meets all of them. */
export async function alternate(
  { trials, sideTrials, only = () => true, trialEnded }: Omit<Effort, 'seconds' | 'warmupSeconds' | 'quick'>,
  subjects: readonly Subject[],
): Promise<Measurement[]> {
  const wanted = subjects.filter(only).map((subject) => ({ subject, found: [] as Metrics[] }));
  for (let round = 0; round < trials; round++) {
    for (const { subject, found } of wanted) {
      if (round >= sideTrials && !hasGoal(subject)) continue;
      const metrics = await undisturbed(subject);
      found.push(metrics);
      trialEnded?.(subject, metrics);
    }
  }
  return wanted.map(({ subject: { trial: _, ...subject }, found }) => ({
    ...subject,
    metrics: medians(found),
    trials: found,
  }));
}
