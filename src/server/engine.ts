import { App, SSLApp, type TemplatedApp, us_listen_socket_close } from 'uWebSockets.js';
import type { TlsFiles } from './tls.js';

export type Engine = TemplatedApp;

/** Creates the engine, which speaks TLS when there are files for it. */
export function createEngine(tls: TlsFiles | undefined): Engine {
  return tls === undefined ? App() : SSLApp({ cert_file_name: tls.cert, key_file_name: tls.key });
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
