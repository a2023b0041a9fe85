import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.js';
import { OperatorError } from '../operator-error.js';

type Address = Pick<Config, 'host' | 'port'>;

/** How long the workers of a killed primary may keep the port. They end shortly after it. */
const RELEASE_MS = 1000;
const RETRY_EVERY_MS = 50;
const FREE_PORT_MIN = 20_000;
const FREE_PORTS = 10_000;

/**
 * Resolves to the port that the server is to listen on. The engine shares a port with whoever has it, without an
 * error; so the port is tried first in a way that does not share. Errors: OperatorError when it cannot be had.
 */
export async function portToServe(address: Address): Promise<number> {
  const deadline = performance.now() + RELEASE_MS;
  for (;;) {
    const found = await tryPort(address.host, address.port);
    if (typeof found === 'number') return found;
    if (found !== 'EADDRINUSE' || performance.now() > deadline) throw problemOf(address, found);
    await sleep(RETRY_EVERY_MS);
  }
}

/** Resolves to why the engine, which does not say it, cannot listen there. */
export async function whyNot(address: Address): Promise<OperatorError> {
  const found = await tryPort(address.host, address.port);
  return problemOf(address, typeof found === 'number' ? undefined : found);
}

function problemOf({ host, port }: Address, code: string | undefined): OperatorError {
  const where = `port ${port} on ${host}`;
  switch (code) {
    case 'EADDRINUSE':
      return new OperatorError(`${where} is in use`);
    case 'EACCES':
    case 'EPERM':
      return new OperatorError(
        `${where} is not for this user to listen on (${code}); set PORT to 1024 or more, or allow it with CAP_NET_BIND_SERVICE`,
      );
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EAI_AGAIN':
    case 'EINVAL':
    case 'ENOTFOUND':
      return new OperatorError(
        `HOST ${host} is no address of this machine (${code}); set it to one, such as 0.0.0.0, :: or 127.0.0.1`,
      );
    default:
      return new OperatorError(`${where} cannot be used (${code})`);
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
