import { beforeEach, describe, expect, it } from 'vitest';
import type { QuotaKey } from '../../src/link/limits.js';
import { SocketCounts } from '../../src/link/socket-counts.js';

const LIMITS = { socketsMax: 5000, socketsPerUserMax: 3, socketsPerAddressMax: 1000 };

describe('the count of all sockets', () => {
  const [one, other] = [{}, {}];
  let said: [QuotaKey, boolean][];
  let counts: SocketCounts;
  beforeEach(() => {
    said = [];
    counts = new SocketCounts(LIMITS, (...change) => said.push(change));
  });

  it('is one for all workers', () => {
    expect(counts.admit(one, ['u1'])).toBeUndefined();
    counts.add(other, [['u1', 1]]);
    expect(counts.admit(one, ['u1'])).toBeUndefined();
    expect(counts.admit(other, ['u1'])).toBe('u1');
    counts.add(one, [['u1', -1]]);
    expect(counts.admit(other, ['u1'])).toBeUndefined();
  });

  it('takes a place of each key, or of none', () => {
    counts.add(one, [['u1', 3]]);
    expect(counts.admit(other, ['all', 'u1', 'a10.0.0.1'])).toBe('u1');
    counts.add(one, [
      ['all', 4999],
      ['a10.0.0.1', 999],
    ]);
    expect(counts.admit(other, ['all', 'u2', 'a10.0.0.1'])).toBeUndefined();
    expect(counts.admit(other, ['all', 'u3', 'a10.0.0.2'])).toBe('all');
  });

  it('knows no limit of 0, whoever asks', () => {
    const unlimited = new SocketCounts({ ...LIMITS, socketsPerUserMax: 0 }, () => undefined);
    for (let n = 0; n < 10; n++) expect(unlimited.admit(one, ['u1'])).toBeUndefined();
  });

  it('forgets the sockets of a worker that is gone', () => {
    counts.add(one, [['u1', 2]]);
    counts.admit(other, ['u1']);
    counts.removeWorker(one);
    expect(counts.admit(other, ['u1'])).toBeUndefined();
    expect(counts.admit(other, ['u1'])).toBeUndefined();
    expect(counts.admit(other, ['u1'])).toBe('u1');
    counts.removeWorker(one);
    expect(counts.admit(other, ['u1'])).toBe('u1');
  });

  it('calls crowded what is over half of its limit, until it is under a quarter', () => {
    counts.add(one, [['a10.0.0.1', 499]]);
    expect(said).toEqual([]);
    counts.add(other, [['a10.0.0.1', 1]]);
    expect(said).toEqual([['a10.0.0.1', true]]);
    expect([...counts.crowdedKeys]).toEqual(['a10.0.0.1']);
    counts.add(one, [['a10.0.0.1', -250]]);
    counts.add(one, [['a10.0.0.1', 300]]);
    expect(said).toHaveLength(1);
    counts.removeWorker(one);
    expect(said).toEqual([
      ['a10.0.0.1', true],
      ['a10.0.0.1', false],
    ]);
    expect([...counts.crowdedKeys]).toEqual([]);
  });

  it('calls nothing crowded that is asked for always', () => {
    counts.add(one, [['u1', 3]]);
    expect(said).toEqual([]);
  });
});
