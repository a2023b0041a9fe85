/**
 * What can be said of how long something takes on a machine that does other things too: the processor time that it
 * uses, how often a timer of the same process comes round meanwhile, and how it compares with a control that is
 * measured in the same moment.
 */

const TRIES_MAX = 20;

/** Runs `work`, and returns the processor time that this process used for it, in ms. */
export function processorMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Does the same for work that waits in between, in which this process may do other things as well. */
export async function processorMsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * How many times as long one thing takes as another. Both are measured one right after the other, again and again,
 * until the ratio is not over `enough`; the smallest is returned. What disturbs one of them disturbs not every try.
 */
export async function smallestRatio({
  measured,
  control,
  enough,
  tries = TRIES_MAX,
}: {
  readonly measured: () => number | Promise<number>;
  readonly control: () => number | Promise<number>;
  readonly enough: number;
  readonly tries?: number;
}): Promise<number> {
  let smallest = Number.POSITIVE_INFINITY;
  for (let count = 0; count < tries && smallest > enough; count++) {
    const reference = await control();
    smallest = Math.min(smallest, (await measured()) / reference);
  }
  return smallest;
}

/** The value that so large a share of all is not over; NaN when there is none. */
export function quantileOf(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
}

/** Runs `work`, and resolves to what came of it and the seconds that passed meanwhile, in which a rate lets more pass. */
export async function timed<T>(work: () => Promise<T>): Promise<{ done: T; seconds: number }> {
  const began = performance.now();
  const done = await work();
  return { done, seconds: (performance.now() - began) / 1000 };
}

/** Runs `work`, and resolves to the time in ms that passed meanwhile. */
export async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  return (await timed(work)).seconds * 1000;
}

/**
 * Counts how often a timer of this process comes round. A process that gets no processor has all its timers late, so
 * what other timers of the same process do is bounded by a number of turns, not by a time.
 */
export class Ticks {
  count = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(everyMs: number) {
    this.#timer = setInterval(() => {
      this.count += 1;
    }, everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
