import { describe, expect, it } from 'vitest';
import { isoTime } from '../../src/api/encode.js';

const DAY_MS = 86_400_000;

describe('the time of a message', () => {
  it('is what Date says of it, in whatever order times come', () => {
    const now = Date.UTC(2026, 10, 22, 23, 59, 59, 999);
    const around = [0, 1, 2, 59_999, 60_000, 3_599_999, 3_600_000, DAY_MS - 1, DAY_MS, DAY_MS + 1];
    const days = [0, 1, 59, 364, 365, 366, 20_000, 20_148, 300_000].map((day) => day * DAY_MS);
    const times = [now, ...days.flatMap((begin) => around.map((ms) => begin + ms)), now, -1, -DAY_MS, 5];
    for (let seed = 1, count = 0; count < 20_000; count++) {
      seed = (seed * 48_271) % 2_147_483_647;
      times.push(seed * 997); // Up to the year 2037.
    }
    for (const ms of times) expect(isoTime(ms)).toBe(new Date(ms).toISOString());
  });
});
