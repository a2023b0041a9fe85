/** What happened, by name; and what should not have, with how often. */
export class Tally {
  readonly counts: Record<string, number> = {};
  readonly unexpected: Record<string, number> = {};
  /** The number of actions in progress. */
  #open = 0;

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  wrong(what: string): void {
    this.unexpected[what] = (this.unexpected[what] ?? 0) + 1;
  }

  get open(): number {
    return this.#open;
  }

  /** Counts what is done, or what it fails with. */
  run(what: string, act: () => Promise<void>): void {
    this.#open += 1;
    act()
      .then(
        () => this.count(what),
        (error: unknown) => this.wrong(`${what}: ${error instanceof Error ? error.message : error}`),
      )
      .finally(() => {
        this.#open -= 1;
      });
  }
}

export function pick<T>(from: readonly T[]): T {
  const one = from[Math.floor(Math.random() * from.length)];
  if (one === undefined) throw new Error('there is nothing to pick from');
  return one;
}
