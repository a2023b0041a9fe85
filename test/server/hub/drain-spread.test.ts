import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Close } from '../../../src/api/status.js';
import { drainSockets } from '../../../src/server/hub/drain.js';
import type { Hub } from '../../../src/server/hub/hub.js';

const SOCKETS = 40;
const SPREAD_MS = 2000;
/** What passes from one look at the sockets to the next. */
const STEP_MS = SPREAD_MS / 8;

interface FakeSocket {
  leaving: boolean;
  unanswered: number;
  end(code: number): void;
}

let now: number;
let sockets: FakeSocket[];
/** How many had ended after each look. */
let ended: number[];
let codes: number[];
beforeEach(() => {
  [now, ended, codes] = [5000, [], []];
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  sockets = Array.from({ length: SOCKETS }, () => {
    return { leaving: false, unanswered: 0, end: (code) => codes.push(code) };
  });
});
afterEach(() => vi.restoreAllMocks());

/** Drains a hub of these sockets, which is always at the end of the log. */
function drain(spreadMs: number, deadlineMs = 60_000, looked: () => void = () => undefined): Promise<void> {
  const whenCaughtUp = async (act: () => void) => {
    act();
    ended.push(codes.length);
    now += STEP_MS;
    looked();
  };
  const hub = { everyone: () => sockets, follower: { whenCaughtUp } } as unknown as Hub;
  return drainSockets(hub, spreadMs, now + deadlineMs);
}

it('sockets end evenly over the time that they have, each with 1012', async () => {
  await drain(SPREAD_MS);
  expect(ended).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40]);
  expect(codes).toEqual(Array(SOCKETS).fill(Close.restart));
});

it('without a spread they end at once', async () => {
  await drain(0);
  expect(ended).toEqual([SOCKETS]);
});

it('one that waits for an answer ends with it, though its turn has come, and the others go on', async () => {
  const [first] = sockets as [FakeSocket];
  first.unanswered = 1;
  await drain(SPREAD_MS, 60_000, () => {
    if (ended.length === 10) first.unanswered = 0;
  });
  expect(ended).toEqual([0, 4, 9, 14, 19, 24, 29, 34, 39, 39, 40]);
  expect(first.leaving).toBe(true);
});

it('at the deadline all end, answered or not', async () => {
  for (const socket of sockets) socket.unanswered = 1;
  await drain(SPREAD_MS, 4 * STEP_MS);
  expect(ended).toEqual([0, 0, 0, 0, SOCKETS]);
});
