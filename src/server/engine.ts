import { App, type TemplatedApp, us_listen_socket_close } from 'uWebSockets.js';

export type Engine = TemplatedApp;

export function createEngine(): Engine {
  return App();
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
