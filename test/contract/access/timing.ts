/** Asks once, and resolves to how long the answer took, in µs. */
export type Timed = () => Promise<number>;

/** Two that must not be told from each other by their time. */
export interface Pair {
  readonly name: string;
  readonly one: Timed;
  readonly other: Timed;
}

/** Noise comes and goes, and less of it is left the longer one looks; a difference stays. */
const BATCHES_MAX = 15;

/**
 * The pairs whose times differ by more than so many µs, with the difference. All are asked once in each round, in an
 * order of its own: what the machine does meanwhile befalls them alike. Lower quartiles are compared, because
 * whatever disturbs an answer makes it later.
 */
export async function tellApart(
  pairs: readonly Pair[],
  rounds: number,
  usMax: number,
): Promise<{ name: string; us: number }[]> {
  const samples = pairs.map(({ name, one, other }) => ({
    name,
    one: { ask: one, took: [] as number[] },
    other: { ask: other, took: [] as number[] },
  }));
  const asked = samples.flatMap(({ one, other }) => [one, other]);
  for (let batch = 1; ; batch++) {
    for (let round = 0; round < rounds; round++)
      for (const { ask, took } of shuffled(asked)) took.push(await ask());
    const apart = samples
      .map(({ name, one, other }) => ({ name, us: lowerQuartile(one.took) - lowerQuartile(other.took) }))
      .filter(({ us }) => Math.abs(us) > usMax);
    if (apart.length === 0 || batch === BATCHES_MAX) return apart;
  }
}

function lowerQuartile(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 2] ?? 0;
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
