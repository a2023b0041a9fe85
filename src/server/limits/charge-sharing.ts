import type { LimitsLink, SharedRate } from '../../link/limits.js';

/** Between two of these, each worker lets pass what the others have not heard of. */
const SHARE_EVERY_MS = 20;

/** Tells the other workers what passed here, so that a limit is one for all of them. */
export class ChargeSharing {
  readonly #link: LimitsLink | undefined;
  readonly #charges = new Map<SharedRate, Map<string | number, number>>();
  #timer: NodeJS.Timeout | undefined;

  /** Without a `link`, there are no other workers. */
  constructor(link: LimitsLink | undefined) {
    this.#link = link;
  }

  add(of: SharedRate, key: string | number, count: number): void {
    if (this.#link === undefined) return;
    let charges = this.#charges.get(of);
    if (charges === undefined) {
      charges = new Map();
      this.#charges.set(of, charges);
    }
    charges.set(key, (charges.get(key) ?? 0) + count);
    this.#timer ??= setTimeout(() => this.#share(), SHARE_EVERY_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #share(): void {
    this.#timer = undefined;
    for (const [of, charges] of this.#charges) this.#link?.share(of, [...charges]);
    this.#charges.clear();
  }
}
