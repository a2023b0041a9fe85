import type { World } from '../world.js';

/** What the attackers have to work with. */
export interface Context {
  readonly world: World;
  /** Of the full number of connections. */
  readonly scale: number;
  /** Counts what they do, and what they are told. */
  readonly count: (what: string, times?: number) => void;
}

/** A flood, which can be turned on and off. */
export interface Attack {
  /** What takes time and is no part of the flood. */
  prepare?(): Promise<void>;
  begin(): void;
  end(): void;
}
