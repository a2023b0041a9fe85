import { App, SSLApp, type TemplatedApp, us_listen_socket_close } from 'uWebSockets.js';
import type { TlsFiles } from './tls.js';

export type Engine = TemplatedApp;

/** How long a head, a body, and a connection at rest may take. */
const TIMEOUT_S = 10;

/** Of engines that let it be set, and wait for 30 s by themselves. Of others it is 10 s. */
interface WithTimeouts {
  setIdleTimeout?(seconds: number): void;
  setResponseTimeout?(seconds: number): void;
}

/** Creates the engine, which speaks TLS when there are files for it. */
export function createEngine(tls: TlsFiles | undefined): Engine {
  const engine: Engine & WithTimeouts =
    tls === undefined ? App() : SSLApp({ cert_file_name: tls.cert, key_file_name: tls.key });
  engine.setIdleTimeout?.(TIMEOUT_S);
  engine.setResponseTimeout?.(TIMEOUT_S);
  return engine;
}

/** Shares the port with the other workers. Resolves to what closes the listener; rejects when it cannot listen. */
export function listen(engine: Engine, host: string, port: number): Promise<() => void> {
  return new Promise((resolve, reject) => {
    engine.listen(host, port, (listener) => {
      if (listener === false) reject(new Error(`cannot listen on ${host}:${port}`));
      else resolve(() => us_listen_socket_close(listener));
    });
  });
}
