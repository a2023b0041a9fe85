/** What an honest client never comes near, and how often that may come at once. */
const FRAMES_PER_SECOND_MIN = 100;
const BURST_SECONDS = 10;
/** Of the messages that a user may send in a second. */
const FRAMES_PER_MESSAGE = 5;

/** What a frame takes of the budget: one more of 4 KiB to read; one that an honest client hardly sends; one that had to be refused. */
export const FrameCost = { data: 1, control: 5, refused: 10 } as const;

/** To read a long frame takes as much time as to read several. */
const BYTES_PER_FRAME = 4096;

export function dataCost(bytes: number): number {
  return FrameCost.data * Math.max(1, Math.ceil(bytes / BYTES_PER_FRAME));
}

/** How many frames may come: those who go on and on with more than they may are ended. */
export class FrameBudget {
  readonly #costMs: number;
  /** When all that was spent is earned back (performance.now()). */
  #evenAt = 0;

  /** `messagesPerSecondMax` of a user; 0: no limit. */
  constructor(messagesPerSecondMax: number) {
    this.#costMs = 1000 / Math.max(FRAMES_PER_SECOND_MIN, messagesPerSecondMax * FRAMES_PER_MESSAGE);
  }

  /** False when there is not that much left. */
  spend(cost: number): boolean {
    const now = performance.now();
    const evenAt = Math.max(this.#evenAt, now) + cost * this.#costMs;
    this.#evenAt = Math.min(evenAt, now + 2 * BURST_SECONDS * 1000); // They come to an end, when the flood does.
    return evenAt - now <= BURST_SECONDS * 1000;
  }

  isWhole(now: number): boolean {
    return this.#evenAt <= now;
  }
}

/** One for each user: who is ended and comes back has what was left. */
export class FrameBudgets {
  readonly #messagesPerSecondMax: number;
  readonly #ofUsers = new Map<number, FrameBudget>();

  constructor(messagesPerSecondMax: number) {
    this.#messagesPerSecondMax = messagesPerSecondMax;
  }

  of(userId: number): FrameBudget {
    const known = this.#ofUsers.get(userId);
    if (known !== undefined) return known;
    const budget = new FrameBudget(this.#messagesPerSecondMax);
    this.#ofUsers.set(userId, budget);
    return budget;
  }

  /** Forgets the users of whom there is nothing to remember. */
  sweep(now: number): void {
    for (const [userId, budget] of this.#ofUsers) if (budget.isWhole(now)) this.#ofUsers.delete(userId);
  }
}
