import { readConfig } from '../../src/config.js';
import type { Bus } from '../../src/link/bus.js';
import { createLogger } from '../../src/log.js';
import { composeWorker, type WorkerParts } from '../../src/process/compose-worker.js';
import { freePort } from '../../src/process/port.js';
import { listen } from '../../src/server/engine.js';
import type { Hub } from '../../src/server/hub/hub.js';
import { openReadStore } from '../../src/store/sqlite/read/read-store.js';
import { SECRET } from './server.js';

export interface TestWorker {
  readonly url: string;
  readonly hub: Hub;
  position(): number;
  close(): void;
}

/** Starts a worker in this process, with the bus that the test gives it. */
export async function startWorker(
  dataDir: string,
  bus: Bus,
  { submit, post }: Pick<WorkerParts, 'submit' | 'post'>,
): Promise<TestWorker> {
  const config = readConfig({ DATA_DIR: dataDir, JWT_SECRET: SECRET, LOG_LEVEL: 'fatal' });
  const store = openReadStore(dataDir);
  const { engine, hub, close } = await composeWorker({
    config,
    log: createLogger('fatal', 'test'),
    store,
    bus,
    submit,
    post,
    limitsLink: undefined,
    fatal: (error) => {
      throw error;
    },
    ready: () => true,
    draining: () => false,
  });
  const port = await freePort();
  await listen(engine, '127.0.0.1', port);
  return {
    url: `http://127.0.0.1:${port}`,
    hub,
    position: () => hub.follower.position,
    close: () => {
      engine.close();
      close();
      store.close();
    },
  };
}
