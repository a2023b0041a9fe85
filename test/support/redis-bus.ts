import { RedisBus } from '../../src/bus/redis/bus.js';
import { RedisHints } from '../../src/bus/redis/hints.js';

const DEFAULTS = { prefix: 'parley:', databaseId: 'a-database' };

type Options = Partial<Parameters<typeof RedisBus.open>[0]>;

/** What a process would have logged of Redis, as `warn …` and `info …`. */
export class Said {
  readonly lines: string[] = [];
  readonly info = (message: string): number => this.lines.push(`info ${message}`);
  readonly warn = (message: string): number => this.lines.push(`warn ${message}`);
}

/** A worker's side of Redis. */
export function openBus(url: string, options: Options = {}): Promise<RedisBus> {
  return RedisBus.open({ ...DEFAULTS, say: new Said(), ...options, url });
}

/** The ledger's side. */
export function openHints(url: string, options: Options = {}): Promise<RedisHints> {
  return RedisHints.open({ ...DEFAULTS, say: new Said(), ...options, url });
}
