import type { Suite } from './suite.js';

/** All suites, in the order in which they run. */
export const SUITES = [
  'chats',
  'fanout',
  'http',
  'connect',
  'idle',
  'ledger',
  'store',
  'link',
  'growth',
] as const;
export type SuiteName = (typeof SUITES)[number];

/** Loaded when its turn comes, so that one that cannot be loaded fails alone. Rejects when there is none. */
export async function suiteNamed(name: string): Promise<Suite> {
  const exported: Readonly<Record<string, Suite | undefined>> = await import(`./${name}.js`);
  const suite = exported[name];
  if (suite === undefined) throw new Error(`suites/${name} does not export it`);
  return suite;
}
