import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Limits, UNLIMITED } from '../../../src/chat/limits.js';
import type { Caller } from '../../../src/chat/users.js';
import type { Charges, LimitsLink, LimitsListener } from '../../../src/link/limits.js';
import { TokenRefusal } from '../../../src/server/auth/token-refusal.js';
import { Admission } from '../../../src/server/limits/admission.js';
import { dataFrameCost } from '../../../src/server/limits/user-rates.js';
import { until } from '../../support/wait.js';

const CALLER = { id: 1 };
const OTHER = { subject: 'other' };
const ADDRESS = '203.0.113.1';
const BAD_TOKEN = new TokenRefusal('expired', 'it expired');
const SWEEP_MS = 5000;

let reported: object[];
let admission: Admission;
beforeEach(() => {
  reported = [];
});
afterEach(() => {
  admission.close();
  vi.useRealTimers();
});

/** An admission with these limits and no others. */
function admissionWith(limits: Partial<Limits>, link?: LimitsLink): Admission {
  admission = new Admission({ ...UNLIMITED, ...limits }, link, {
    limits: (counts) => reported.push(counts),
    tokens: () => undefined,
    token: () => undefined,
  });
  return admission;
}

/** A link that keeps what is shared, and lets the test speak for the other workers. */
class FakeLink implements LimitsLink {
  readonly shared: [string, Charges][] = [];
  others: LimitsListener | undefined;

  share(of: string, charges: Charges): void {
    this.shared.push([of, charges]);
  }

  count(): void {}

  admit(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  listen(listener: LimitsListener): void {
    this.others = listener;
  }
}

const refused = (limit: string, retryAfterMs: unknown = expect.any(Number)) =>
  expect.objectContaining({
    code: 'rate_limited',
    details: { limit, retry_after_ms: retryAfterMs },
  });

function fakeTime(): void {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
}

describe('a request of many rows', () => {
  it('counts as one more for each hundred, on every worker', async () => {
    const link = new FakeLink();
    admissionWith({ requestsPerSecondPerUserMax: 10 }, link);
    admission.admitRequest(CALLER);
    admission.admitRows(CALLER, 99);
    admission.admitRows(CALLER, 650);
    admission.admitRequest(CALLER);
    expect(() => admission.admitRows(CALLER, 650)).toThrow(refused('requests'));
    admission.admitRequest(CALLER);
    await until(() => link.shared.length > 0);
    expect(link.shared).toEqual([['requests', [[1, 1 + 6 + 1 + 1]]]]);
  });

  it('passes after a silence however many they are, and the next one waits the longer', async () => {
    admissionWith({ requestsPerSecondPerUserMax: 10 });
    admission.admitRequest(CALLER);
    admission.admitRows(CALLER, 100_000);
    expect(() => admission.admitRequest(CALLER)).toThrow(refused('requests'));
    await sleep(500);
    expect(() => admission.admitRequest(CALLER)).toThrow();
  });

  it('is one where there is no limit, and nothing is counted', () => {
    admissionWith({});
    admission.admitRows(CALLER, 1_000_000);
    admission.admitRequest(CALLER);
    expect(admission.usersCounted).toBe(0);
  });
});

describe('what passed at other workers', () => {
  it('counts for users by id and by subject', () => {
    const link = new FakeLink();
    admissionWith({ requestsPerSecondPerUserMax: 3 }, link);
    link.others?.charged('requests', [
      [1, 3],
      ['alice', 2],
    ]);
    expect(() => admission.admitRequest(CALLER)).toThrow(refused('requests'));
    admission.admitRequest({ subject: 'alice' });
    expect(() => admission.admitRequest({ subject: 'alice' })).toThrow(refused('requests'));
    admission.admitRequest({ id: 2 });
  });

  it('counts for addresses', () => {
    const link = new FakeLink();
    admissionWith({ failedLoginsPerMinutePerAddressMax: 3 }, link);
    link.others?.charged('failed_logins', [[ADDRESS, 3]]);
    expect(admission.failedLogin(ADDRESS, BAD_TOKEN)).toEqual(refused('failed_logins', 60_000));
  });

  it('counts for nothing without a limit, or when a newer worker shares what is not known here', () => {
    const link = new FakeLink();
    admissionWith({ requestsPerSecondPerUserMax: 3 }, link);
    for (const of of ['typing', 'reactions', 'frames']) link.others?.charged(of as never, [[1, 1000]]);
    expect(admission.usersCounted).toBe(0);
    admission.admitRequest(CALLER);
  });
});

describe('upgrades of a user', () => {
  it('are limited too where sockets are not', () => {
    admissionWith({ requestsPerSecondPerUserMax: 1 });
    const began = performance.now();
    let passed = 0;
    const upgrades = () => {
      for (; passed < 20_000; passed++) admission.admitUpgrade(CALLER);
    };
    expect(upgrades).toThrow(refused('upgrades'));
    expect(passed).toBeGreaterThanOrEqual(10_000);
    expect(passed).toBeLessThanOrEqual(10_001 + ((performance.now() - began) / 1000) * 5);
  });
});

describe('the frames of a user', () => {
  beforeEach(fakeTime);

  /** How many frames of so many bytes pass before one does not. */
  function passing(caller: Caller, bytes = 1): number {
    let count = 0;
    while (admission.admitFrame(caller, bytes)) count += 1;
    return count;
  }

  it.each([
    [4, 1, 1000],
    [20, 1, 1000],
    [20, 10 * 4096, 100],
    [100, 1, 5000],
  ])('with %i messages a second, of %i bytes: %i at once', (messagesPerSecondPerUserMax, bytes, expected) => {
    admissionWith({ messagesPerSecondPerUserMax });
    expect(passing(CALLER, bytes)).toBe(expected);
  });

  it('are those of all sockets, also of later ones; others have their own', () => {
    admissionWith({ messagesPerSecondPerUserMax: 20 });
    expect(passing(CALLER)).toBe(1000);
    expect(passing(CALLER)).toBe(0);
    expect(passing(OTHER)).toBe(1000);
  });

  it('come back at their rate, however long the flood was', () => {
    admissionWith({ messagesPerSecondPerUserMax: 20 });
    for (let frame = 0; frame < 1_000_000; frame++) admission.admitFrame(CALLER, 1);
    vi.advanceTimersByTime(10_000);
    expect(passing(CALLER)).toBe(0);
    vi.advanceTimersByTime(11_000);
    expect(passing(CALLER)).toBeGreaterThan(0);
  });

  it('count ten times more when they are refused', () => {
    admissionWith({ messagesPerSecondPerUserMax: 20 });
    let count = 0;
    while (admission.admitFrame(CALLER, 1) && admission.spendRefusal(CALLER)) count += 1;
    expect(count).toBe(90);
  });

  it('are not limited without a limit of messages', () => {
    admissionWith({});
    for (let frame = 0; frame < 10_000; frame++) expect(admission.admitFrame(CALLER, 1)).toBe(true);
    expect(admission.usersCounted).toBe(0);
  });

  it.each([
    [0, 1],
    [1, 1],
    [4096, 1],
    [4097, 2],
    [61_440, 15],
  ])('of %i bytes cost %i', (bytes, cost) => {
    expect(dataFrameCost(bytes)).toBe(cost);
  });
});

describe('the control frames of a socket', () => {
  it.each([0, 20])('are 200 at once, with %i messages a second', (messagesPerSecondPerUserMax) => {
    fakeTime();
    admissionWith({ messagesPerSecondPerUserMax });
    const bucket = { emptyAt: 0 };
    let count = 0;
    while (admission.admitControlFrame(bucket)) count += 1;
    expect(count).toBe(200);
    expect(admission.admitControlFrame({ emptyAt: 0 })).toBe(true);
  });
});

describe('the messages of a user', () => {
  const ok = { ok: { id: 1, time: 0 } } as const;
  const tooFast = { error: 'rate_limited', details: { limit: 'messages', retry_after_ms: 250 } } as const;
  beforeEach(fakeTime);

  it('in flight are at most what may come in ten seconds, until one is answered', () => {
    admissionWith({ messagesPerSecondPerUserMax: 2 });
    for (let message = 0; message < 20; message++) expect(admission.admitMessage(CALLER)).toBeUndefined();
    expect(admission.admitMessage(CALLER)).toEqual(refused('messages', 1000));
    expect(admission.admitMessage(OTHER)).toBeUndefined();
    admission.messageSettled(CALLER, ok);
    expect(admission.admitMessage(CALLER)).toBeUndefined();
    expect(admission.admitMessage(CALLER)).toEqual(refused('messages', 1000));
  });

  it('are refused for as long as the ledger said', () => {
    admissionWith({ messagesPerSecondPerUserMax: 2 });
    expect(admission.admitMessage(CALLER)).toBeUndefined();
    admission.messageSettled(CALLER, tooFast);
    vi.advanceTimersByTime(100);
    expect(admission.admitMessage(CALLER)).toEqual(refused('messages', 150));
    expect(admission.admitMessage(OTHER)).toBeUndefined();
    vi.advanceTimersByTime(150);
    expect(admission.admitMessage(CALLER)).toBeUndefined();
  });

  it('are not refused for other errors of the ledger', () => {
    admissionWith({ messagesPerSecondPerUserMax: 2 });
    expect(admission.admitMessage(CALLER)).toBeUndefined();
    admission.messageSettled(CALLER, { error: 'overloaded', details: { retry_after_ms: 1000 } });
    expect(admission.admitMessage(CALLER)).toBeUndefined();
  });

  it('are not counted without a limit', () => {
    admissionWith({});
    for (let message = 0; message < 10_000; message++) expect(admission.admitMessage(CALLER)).toBeUndefined();
    admission.messageSettled(CALLER, ok);
    expect(admission.usersCounted).toBe(0);
  });
});

describe('failed logins', () => {
  beforeEach(fakeTime);

  it('over the limit are refused for a minute, and known by their address', () => {
    admissionWith({ failedLoginsPerMinutePerAddressMax: 2 });
    const fail = () => admission.failedLogin(ADDRESS, BAD_TOKEN);
    const [first, second, third] = [fail(), fail(), fail()];
    expect([first, second]).toEqual([BAD_TOKEN, BAD_TOKEN]);
    expect(third).toEqual(refused('failed_logins', 60_000));
    expect(third.cause).toBe(BAD_TOKEN);
    vi.advanceTimersByTime(59_000);
    expect(fail()).toEqual(refused('failed_logins', 1000));
    expect(admission.failedLogin('203.0.113.2', BAD_TOKEN)).toBe(BAD_TOKEN);
    vi.advanceTimersByTime(1000);
    expect(fail()).toBe(BAD_TOKEN);
  });

  it('are not limited without an address, or without a limit', () => {
    admissionWith({ failedLoginsPerMinutePerAddressMax: 1 });
    for (let n = 0; n < 10; n++)
      expect(admission.failedLogin(undefined, BAD_TOKEN).code).toBe('unauthorized');
    admission.close();
    admissionWith({});
    for (let n = 0; n < 10; n++) expect(admission.failedLogin(ADDRESS, BAD_TOKEN).code).toBe('unauthorized');
  });
});

describe('what is counted for a user', () => {
  const ALL = {
    requestsPerSecondPerUserMax: 1,
    typingPerSecondPerUserMax: 1,
    uploadsPerMinutePerUserMax: 60,
    messagesPerSecondPerUserMax: 1,
  };
  beforeEach(fakeTime);

  it.each<[what: string, count: () => void]>([
    ['a request', () => admission.admitRequest(CALLER)],
    ['an upgrade', () => admission.admitUpgrade(CALLER)],
    ['an upload', () => admission.admitUpload(CALLER)],
    ['a typing frame', () => admission.admitTyping(CALLER)],
    ['a data frame', () => admission.admitFrame(CALLER, 1)],
    [
      'a message that was refused',
      () => {
        admission.admitMessage(CALLER);
        admission.messageSettled(CALLER, { error: 'rate_limited', details: { retry_after_ms: 1000 } });
      },
    ],
  ])('is forgotten when %s does not matter any more', (_what, count) => {
    admissionWith(ALL);
    vi.advanceTimersByTime(SWEEP_MS - 1);
    count();
    vi.advanceTimersByTime(1);
    expect(admission.usersCounted).toBe(1);
    vi.advanceTimersByTime(SWEEP_MS);
    expect(admission.usersCounted).toBe(0);
  });

  it.each<Caller>([CALLER, OTHER])('is one record, whatever %o does', (caller) => {
    admissionWith(ALL);
    admission.admitRequest(caller);
    admission.admitUpgrade(caller);
    admission.admitTyping(caller);
    admission.admitFrame(caller, 1);
    admission.admitMessage(caller);
    expect(admission.usersCounted).toBe(1);
  });

  it('is kept while messages are in flight and uploads in progress', () => {
    admissionWith(ALL);
    admission.admitMessage(CALLER);
    const permit = admission.acquireUpload(CALLER);
    vi.advanceTimersByTime(SWEEP_MS * 10);
    admission.messageSettled(CALLER, { ok: { id: 1, time: 0 } });
    vi.advanceTimersByTime(SWEEP_MS);
    expect(admission.usersCounted).toBe(1);
    permit.release();
    vi.advanceTimersByTime(SWEEP_MS);
    expect(admission.usersCounted).toBe(0);
  });
});

describe('refusals', () => {
  beforeEach(fakeTime);

  it('are reported by the limit, at most once a minute, and only when there are some', () => {
    admissionWith({ typingPerSecondPerUserMax: 1 });
    for (let n = 0; n < 3; n++) admission.admitTyping(CALLER);
    admission.refusals.count('frames');
    admission.refusals.countError({ details: { limit: 'sockets' } });
    for (const details of [undefined, {}, { limit: 'none' }, { limit: 7 }])
      admission.refusals.countError({ details });
    vi.advanceTimersByTime(SWEEP_MS);
    expect(reported).toEqual([{ sockets: 1, typing: 2, frames: 1 }]);
    admission.refusals.count('frames');
    vi.advanceTimersByTime(60_000 - SWEEP_MS);
    expect(reported).toHaveLength(1);
    vi.advanceTimersByTime(SWEEP_MS);
    expect(reported[1]).toEqual({ frames: 1 });
    vi.advanceTimersByTime(600_000);
    expect(reported).toHaveLength(2);
  });
});
