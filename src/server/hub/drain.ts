import { setTimeout as sleep } from 'node:timers/promises';
import { Close } from '../../api/status.js';
import type { Hub } from './hub.js';

const POLL_MS = 10;

/**
 * Ends every socket with 1012, one after the other over `spreadMs`, so that their clients do not all come back at once.
 * Until its turn a socket works as before. Then it waits for the answers to what it has sent, and ends; a live one has
 * been sent everything by then that is on disk. Resolves when all have ended. At `deadline` (performance.now()) those end
 * that still wait.
 */
export async function drainSockets(hub: Hub, spreadMs: number, deadline: number): Promise<void> {
  const sockets = hub.everyone();
  const start = performance.now();
  const leaving = new Set<(typeof sockets)[number]>();
  for (let asked = 0; asked < sockets.length || leaving.size > 0; ) {
    const now = performance.now();
    const late = now >= deadline;
    const share = late || spreadMs === 0 ? 1 : Math.min(1, (now - start) / spreadMs);
    for (; asked < Math.ceil(sockets.length * share); asked++) {
      const socket = sockets[asked];
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
    if (asked < sockets.length || leaving.size > 0) await sleep(POLL_MS);
  }
}
