import { setTimeout as sleep } from 'node:timers/promises';
import { Close } from '../../api/status.js';
import type { Hub } from './hub.js';

const LOOK_EVERY_MS = 10;

/**
 * Ends every socket with 1012, one after the other over `spreadMs`, so that not all their clients come back at
 * once. Until its turn a socket goes on as ever. Then it waits for the answers to what it has sent, and ends; one
 * that is live has by then heard everything that is on disk. Resolves when all have ended; those that still wait at `deadline`
 * (performance.now()) end there.
 */
export async function drainSockets(hub: Hub, spreadMs: number, deadline: number): Promise<void> {
  const sockets = hub.everyone();
  const began = performance.now();
  const leaving = new Set<(typeof sockets)[number]>();
  for (let told = 0; told < sockets.length || leaving.size > 0; ) {
    const now = performance.now();
    const late = now >= deadline;
    const share = late || spreadMs === 0 ? 1 : Math.min(1, (now - began) / spreadMs);
    for (; told < Math.ceil(sockets.length * share); told++) {
      const socket = sockets[told];
      if (socket === undefined) break;
      socket.leaving = true;
      leaving.add(socket);
    }
    await hub.follower.whenCaughtUp(() => {
      for (const socket of leaving) {
        if (socket.unanswered > 0 && !late) continue;
        leaving.delete(socket);
        socket.end(Close.restart, 'restart');
      }
    });
    if (told < sockets.length || leaving.size > 0) await sleep(LOOK_EVERY_MS);
  }
}
