import { beforeEach, describe, expect, it } from 'vitest';
import { ChatError, rateLimited } from '../../../src/chat/errors.js';
import { TokenRefusal } from '../../../src/server/auth/token-refusal.js';
import { Refusals, type Refused } from '../../../src/server/limits/refusals.js';

const MINUTE_MS = 60_000;
const EXPIRED = new TokenRefusal('expired', 'it expired');
const REVOKED = new TokenRefusal('revoked', 'it is revoked');

let limits: object[];
let tokens: object[];
let each: [TokenRefusal, Refused][];
let refusals: Refusals;
beforeEach(() => {
  limits = [];
  tokens = [];
  each = [];
  refusals = new Refusals({
    limits: (counts) => limits.push(counts),
    tokens: (counts) => tokens.push(counts),
    token: (refusal, of) => each.push([refusal, of]),
  });
});

describe('a refused token', () => {
  it('is told at once, with where it came from', () => {
    refusals.countError(EXPIRED, { requestId: 'a-1' });
    refusals.countError(REVOKED, { userId: 7 });
    expect(each).toEqual([
      [EXPIRED, { requestId: 'a-1' }],
      [REVOKED, { userId: 7 }],
    ]);
  });

  it('is told also when its client hears of a limit instead, and then both are counted', () => {
    refusals.countError(rateLimited('failed_logins', 1000, EXPIRED));
    refusals.report(0);
    expect(each).toEqual([[EXPIRED, {}]]);
    expect([limits, tokens]).toEqual([[{ failed_logins: 1 }], [{ expired: 1 }]]);
  });

  it('is counted by what is wrong with it, which is reported at most once a minute for each', () => {
    refusals.report(0);
    for (const error of [EXPIRED, REVOKED, EXPIRED]) refusals.countError(error);
    refusals.report(5000);
    expect(tokens).toEqual([{ expired: 2, revoked: 1 }]);
    refusals.countError(EXPIRED);
    refusals.countError(new TokenRefusal('no_user', 'its claim sub names no user'));
    refusals.report(10_000);
    expect(tokens.slice(1)).toEqual([{ no_user: 1 }]);
    refusals.report(5000 + MINUTE_MS - 1);
    expect(tokens).toHaveLength(2);
    refusals.report(5000 + MINUTE_MS);
    expect(tokens.slice(2)).toEqual([{ expired: 1 }]);
    refusals.report(5000 + 9 * MINUTE_MS);
    expect(tokens).toHaveLength(3);
  });

  it('is reported at the end, however short the time since the last report', () => {
    refusals.countError(EXPIRED);
    refusals.report(0);
    refusals.countError(EXPIRED);
    refusals.report(Number.POSITIVE_INFINITY);
    expect(tokens).toEqual([{ expired: 1 }, { expired: 1 }]);
  });
});

it('an error that neither names a limit nor refuses a token is not counted', () => {
  for (const error of [new ChatError('not_found'), new ChatError('unauthorized')]) refusals.countError(error);
  refusals.report(Number.POSITIVE_INFINITY);
  expect([limits, tokens, each]).toEqual([[], [], []]);
});
