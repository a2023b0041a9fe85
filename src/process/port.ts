import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.js';

/** How long the workers of a killed primary may keep the port. They end shortly after it. */
const RELEASE_MS = 1000;
const RETRY_EVERY_MS = 50;
const FREE_PORT_MIN = 20_000;
const FREE_PORTS = 10_000;

/**
 * Resolves to the port that the server is to listen on. The engine shares a port with whoever has it, without an
 * error; so the port is tried first in a way that does not share. When another program has it, this prints one line
 * and exits.
 */
export async function portToServe({ host, port }: Pick<Config, 'host' | 'port'>): Promise<number> {
  const deadline = performance.now() + RELEASE_MS;
  for (;;) {
    const found = await tryPort(host, port);
    if (typeof found === 'number') return found;
    if (found !== 'EADDRINUSE' || performance.now() > deadline) {
      const why = found === 'EADDRINUSE' ? 'is in use' : `cannot be used (${found})`;
      console.error(`parley: port ${port} on ${host} ${why}`);
      process.exit(1);
    }
    await sleep(RETRY_EVERY_MS);
  }
}

/** Each process begins somewhere else, and tries a port only once, so that two calls do not give the same one. */
let freePortOffset = Math.floor(Math.random() * FREE_PORTS);

/**
 * Resolves to a port of 127.0.0.1 that nobody listens on, for servers that are started by tests, benches and the
 * checker. It is below the range from which Linux takes the ports of clients (ip_local_port_range): a client that
 * dials a port which nobody listens on may be given that same port, and then is connected to itself and holds it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    freePortOffset = (freePortOffset + 1) % FREE_PORTS;
    const found = await tryPort('127.0.0.1', FREE_PORT_MIN + freePortOffset);
    if (typeof found === 'number') return found;
  }
}

/** Resolves to the port on which it could listen for a moment (any free one for port 0), or to the error's code. */
function tryPort(host: string, port: number): Promise<number | string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : port));
    });
  });
}
