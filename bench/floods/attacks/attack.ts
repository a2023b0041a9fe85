import type { FloodSetup } from '../stage.js';

/** What the attackers have to work with. */
export interface Context {
  readonly setup: FloodSetup;
  /** The share of the full number of connections that is opened. */
  readonly scale: number;
  /** Counts what they do, and what they are answered. */
  readonly count: (what: string, times?: number) => void;
}

/** A flood, which can be turned on and off. */
export interface Attack {
  /** Does what takes time before the flood begins. */
  prepare?(): Promise<void>;
  begin(): void;
  end(): void;
}
