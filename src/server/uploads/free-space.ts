import { statfs } from 'node:fs/promises';

/** Uploads cannot take much of the free space in this time, so an answer may be this old. */
const ASK_EVERY_MS = 1000;

/** Tells whether a file system is low on free space. It asks the system at most once a second. */
export class FreeSpace {
  readonly #folder: string;
  readonly #bytesMin: number;
  readonly #now: () => number;
  #askedAt = Number.NEGATIVE_INFINITY;
  #low = Promise.resolve(false);

  /** With a `bytesMin` of 0, space is never low. `now` gives milliseconds of a clock that only goes forward. */
  constructor(folder: string, bytesMin: number, now: () => number) {
    this.#folder = folder;
    this.#bytesMin = bytesMin;
    this.#now = now;
  }

  /** Rejects when the file system cannot say. */
  isLow(): Promise<boolean> {
    const now = this.#now();
    if (this.#bytesMin > 0 && now - this.#askedAt >= ASK_EVERY_MS) {
      this.#askedAt = now;
      this.#low = this.#ask();
    }
    return this.#low;
  }

  async #ask(): Promise<boolean> {
    const { bavail, bsize } = await statfs(this.#folder);
    return bavail * bsize < this.#bytesMin;
  }
}
