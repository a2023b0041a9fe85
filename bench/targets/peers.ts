import { fileURLToPath } from 'node:url';
import { startProgram, type Target } from './target.js';

const program = (name: string) => fileURLToPath(new URL(`../peers/${name}.js`, import.meta.url));

/** The bare engine. */
export function startEngine(): Promise<Target> {
  return startProgram('engine', [program('engine')], {});
}
