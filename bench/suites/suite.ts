import { type Measurement, type Metrics, medians } from '../measure/measurement.js';

/** How much is measured. */
export interface Effort {
  /** Alternating runs of each; the median counts. */
  readonly trials: number;
  /** Of each run, after its warm-up. */
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Leaves out what takes long: large databases, many connections, growth. */
  readonly quick: boolean;
}

/** A group of measurements that belong together; each comes when it is done. */
export type Suite = (effort: Effort) => AsyncIterable<Measurement>;

export interface Subject extends Pick<Measurement, 'suite' | 'name' | 'target' | 'parameters'> {
  /** One run, in fresh processes. */
  readonly trial: () => Promise<Metrics>;
}

/** Runs all subjects in turn, so many times: what changes on the machine meanwhile meets all of them. */
export async function alternate(trials: number, subjects: readonly Subject[]): Promise<Measurement[]> {
  const found = subjects.map((): Metrics[] => []);
  for (let round = 0; round < trials; round++) {
    for (const [index, subject] of subjects.entries()) {
      found[index]?.push(await subject.trial());
    }
  }
  return subjects.map(({ trial: _, ...subject }, index) => {
    const own = found[index] ?? [];
    return { ...subject, metrics: medians(own), trials: own };
  });
}
