import type { Limits } from '../../chat/limits.js';
import { Gcra } from '../../chat/rate-limiter.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;
/** The sockets of a user come back again and again when a proxy restarts, and there may be hundreds. */
const UPGRADES_PER_REQUEST = 5;
/** How many upgrades may come at once when sockets have no limit. */
const UPGRADES_AT_ONCE = 10_000;
/** An honest client never comes near this many frames a second, nor near ten times as many at once. */
const FRAMES_PER_SECOND_MIN = 100;
const FRAMES_BURST_SECONDS = 10;
const FRAMES_PER_MESSAGE = 5;
/** To read a long frame takes as much time as to read several. */
const BYTES_PER_FRAME = 4096;

/** Control frames (pings and pongs) cost more than data, as an honest client sends few; a refusal costs an answer. */
export const CONTROL_FRAME_COST = 5;
export const REFUSED_FRAME_COST = 10;

export function dataFrameCost(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / BYTES_PER_FRAME));
}

/** The rates that a worker holds each user to. The rate of messages is the ledger's. */
export const USER_RATES = ['requests', 'upgrades', 'typing', 'uploads', 'frames'] as const;
export type UserRate = (typeof USER_RATES)[number];

export function userRates(limits: Limits): Readonly<Record<UserRate, Gcra>> {
  const requestsMax = limits.requestsPerSecondPerUserMax;
  const upgradesMax = requestsMax * UPGRADES_PER_REQUEST;
  // All sockets that a user may have may come back at once.
  const upgradesBurst = Math.max(limits.socketsPerUserMax || UPGRADES_AT_ONCE, upgradesMax);
  const framesMax = Math.max(FRAMES_PER_SECOND_MIN, limits.messagesPerSecondPerUserMax * FRAMES_PER_MESSAGE);
  return {
    requests: new Gcra({ max: requestsMax, inMs: SECOND_MS }),
    upgrades: new Gcra({ max: upgradesMax, inMs: SECOND_MS, burst: upgradesBurst }),
    typing: new Gcra({ max: limits.typingPerSecondPerUserMax, inMs: SECOND_MS }),
    uploads: new Gcra({ max: limits.uploadsPerMinutePerUserMax, inMs: MINUTE_MS }),
    frames: new Gcra({ max: framesMax, inMs: SECOND_MS, burst: framesMax * FRAMES_BURST_SECONDS }),
  };
}
