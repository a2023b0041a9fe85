import type { Attack, Context } from './attack.js';
import { history } from './history.js';
import { bigFrames, deaf, duplicates, messages, messagesOfMany, pings, typing } from './pouring.js';
import { halfUpgrades, slowBodies, slowHeads } from './slow.js';
import { storm } from './storm.js';
import { tokens } from './tokens.js';

/** Every kind of flood, by its name in options and reports. */
export const ATTACKS = {
  'slow-heads': slowHeads,
  'slow-bodies': slowBodies,
  'half-upgrades': halfUpgrades,
  messages,
  'messages-after-the-end': deaf,
  'messages-of-many': messagesOfMany,
  duplicates,
  typing,
  pings,
  'big-frames': bigFrames,
  'bad-tokens': tokens,
  history,
  'reconnect-storm': storm,
} as const satisfies Readonly<Record<string, (context: Context) => Promise<Attack>>>;

export type AttackName = keyof typeof ATTACKS;
export const ATTACK_NAMES = Object.keys(ATTACKS) as AttackName[];
