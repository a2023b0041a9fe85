import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { UNLIMITED } from '../../../src/chat/limits.js';
import type { Charges, LimitsLink } from '../../../src/link/limits.js';
import { WorkerLimits } from '../../../src/server/limits/worker-limits.js';
import { until } from '../../support/wait.js';

const CALLER = { id: 1 };

describe('a request of many rows', () => {
  it('counts as one more for each hundred, on every worker', async () => {
    const shared: [string, Charges][] = [];
    const link: LimitsLink = {
      share: (of, charges) => shared.push([of, charges]),
      count: () => undefined,
      admit: () => Promise.resolve(undefined),
      listen: () => undefined,
    };
    const limits = new WorkerLimits({ ...UNLIMITED, requestsPerSecondPerUserMax: 10 }, link, {
      refused: () => undefined,
    });
    const tooMany = expect.objectContaining({ code: 'rate_limited' });
    limits.assertRequest(CALLER);
    limits.assertRows(CALLER, 99);
    limits.assertRows(CALLER, 650);
    limits.assertRequest(CALLER);
    expect(() => limits.assertRows(CALLER, 650)).toThrow(tooMany);
    limits.assertRequest(CALLER);
    await until(() => shared.length > 0);
    expect(shared).toEqual([['requests', [[1, 1 + 6 + 1 + 1]]]]);
    limits.close();
  });

  it('passes after a silence however many they are, and the next one waits the longer', async () => {
    const limits = new WorkerLimits({ ...UNLIMITED, requestsPerSecondPerUserMax: 10 }, undefined, {
      refused: () => undefined,
    });
    limits.assertRequest(CALLER);
    limits.assertRows(CALLER, 100_000);
    expect(() => limits.assertRequest(CALLER)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ retry_after_ms: expect.any(Number) }) }),
    );
    await sleep(500);
    expect(() => limits.assertRequest(CALLER)).toThrow();
    limits.close();
  });

  it('is one where there is no limit', () => {
    const limits = new WorkerLimits(UNLIMITED, undefined, { refused: () => undefined });
    limits.assertRows(CALLER, 1_000_000);
    limits.assertRequest(CALLER);
    limits.close();
  });
});

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
