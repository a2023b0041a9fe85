import { afterAll, beforeAll, describe } from 'vitest';
import { Behind } from './behind.js';
import { attack, edge, type Outcomes } from './edge.js';
import { faults } from './faults.js';
import { limits } from './limits.js';
import type { ProxyName } from './proxy.js';
import { pauses, requests } from './requests.js';
import { silence, sockets } from './sockets.js';

/** All that is expected of a server behind this proxy. */
export function proxied(name: ProxyName): void {
  let behind: Behind;
  // These take as long as a proxy, or a server, waits: meanwhile there is other work.
  let outcomes: Promise<Outcomes>;
  let paused: Promise<number[]>;
  let silent: Promise<string>;
  beforeAll(async () => {
    behind = await Behind.open(name);
    outcomes = attack(behind, behind.bob);
    paused = pauses(behind);
    silent = silence(behind);
    for (const begun of [outcomes, paused, silent]) begun.catch(() => undefined); // Who asks hears of it.
  });
  afterAll(() => behind.close());

  const current = () => behind;
  describe('requests', () => requests(current, () => paused));
  describe('sockets', () => sockets(current, () => silent));
  describe('a server with limits', () => limits(name));
  describe('a server that is not well', () => faults(name));
  describe('what could be read as another request', () => edge(current, () => outcomes));
}
