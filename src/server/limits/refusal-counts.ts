const REPORT_EVERY_MS = 60_000;

export type Counts<Name extends string> = Partial<Record<Name, number>>;

/** Counts refusals by a few names, and reports each name at most once a minute. */
export class RefusalCounts<Name extends string> {
  readonly #report: (counts: Counts<Name>) => void;
  readonly #unreported = new Map<Name, number>();
  readonly #reportedAt = new Map<Name, number>();

  /** `report` gets what was refused since the last report of the name. */
  constructor(report: (counts: Counts<Name>) => void) {
    this.#report = report;
  }

  count(name: Name): void {
    this.#unreported.set(name, (this.#unreported.get(name) ?? 0) + 1);
  }

  /** To be called every few seconds. `now` is in milliseconds; Infinity reports all that is left. */
  report(now: number): void {
    const due = [...this.#unreported].filter(
      ([name]) => now - (this.#reportedAt.get(name) ?? Number.NEGATIVE_INFINITY) >= REPORT_EVERY_MS,
    );
    if (due.length === 0) return;
    for (const [name] of due) {
      this.#unreported.delete(name);
      this.#reportedAt.set(name, now);
    }
    this.#report(Object.fromEntries(due) as Counts<Name>);
  }
}
