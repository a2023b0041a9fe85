import { RedisHints } from '../../src/link/redis/hints.js';
import { RedisBus } from '../../src/link/redis/redis-bus.js';

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
  return RedisBus.open({ ...DEFAULTS, logger: new Said(), ...options, url });
}

/** The ledger's side. */
export function openHints(url: string, options: Options = {}): Promise<RedisHints> {
  return RedisHints.open({ ...DEFAULTS, logger: new Said(), ...options, url });
}
