import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.js';

/** The workers of a primary that was killed end at once, but after it. */
const RELEASE_MS = 1000;
const LOOK_EVERY_MS = 50;

/**
 * The port to serve on. The engine shares a taken port silently, so it is tried first in a way that does
 * not: exits with one line when somebody has it and keeps it.
 */
export async function freePort({ host, port }: Pick<Config, 'host' | 'port'>): Promise<number> {
  const deadline = performance.now() + RELEASE_MS;
  for (;;) {
    const found = await probe(host, port);
    if (typeof found === 'number') return found;
    if (found !== 'EADDRINUSE' || performance.now() > deadline) {
      const why = found === 'EADDRINUSE' ? 'is in use' : `cannot be used (${found})`;
      console.error(`parley: port ${port} on ${host} ${why}`);
      process.exit(1);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** The port, or the code of the error. */
function probe(host: string, port: number): Promise<number | string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}
