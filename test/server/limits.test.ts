import { describe, expect, it } from 'vitest';
import { UNLIMITED } from '../../src/chat/limits.js';
import { WorkerLimits } from '../../src/server/limits.js';

const CALLER = { id: 1 };

describe('upgrades of a user', () => {
  it('are limited too where sockets are not', () => {
    const limits = new WorkerLimits({ ...UNLIMITED, requestsPerSecondPerUserMax: 1 }, undefined, {
      refused: () => undefined,
    });
    const began = performance.now();
    let passed = 0;
    const refused = () => {
      for (; passed < 20_000; passed++) limits.assertUpgrade(CALLER);
    };
    expect(refused).toThrow(expect.objectContaining({ code: 'rate_limited' }));
    expect(passed).toBeGreaterThanOrEqual(10_000);
    expect(passed).toBeLessThanOrEqual(10_001 + ((performance.now() - began) / 1000) * 5);
    limits.close();
  });
});
