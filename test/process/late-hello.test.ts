import { rename } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LinkClient } from '../../src/link/client.js';
import { linkPath } from '../../src/link/protocol.js';
import { freePort } from '../../src/process/port.js';
import { connectLink, temporaryFolder } from '../support/ledger.js';
import { exitOf, launch, SECRET } from '../support/server.js';
import { sign } from '../support/tokens.js';
import { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

/** Passes a worker's link on, and can hold back what the ledger says. */
class SlowWay {
  readonly held: (() => void)[] = [];
  holding = false;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(to: string) {
    this.#server = createServer((near) => {
      const far = connect(to);
      for (const [from, other] of [[near, far] as const, [far, near] as const]) {
        this.#sockets.add(from);
        from.on('error', () => undefined);
        from.on('close', () => other.destroy());
      }
      near.on('data', (chunk) => far.write(chunk));
      far.on('data', (chunk) => {
        if (this.holding) this.held.push(() => near.write(chunk));
        else near.write(chunk);
      });
    });
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve) => this.#server.listen(path, resolve));
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ledger: ReturnType<typeof launch>;
let worker: ReturnType<typeof launch>;
let way: SlowWay;
let other: LinkClient;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  other.close();
  way.close();
  for (const { process } of [worker, ledger]) {
    process.kill('SIGKILL');
    await exitOf(process);
  }
  await folder.remove();
});

it('a worker that has followed the log past what a late hello says goes on', async () => {
  const env = { DATA_DIR: folder.path, JWT_SECRET: SECRET, PORT: String(await freePort()) };
  ledger = launch(env, ['ledger']);
  await until(() => ledger.output.text.includes('"ready"'));
  const real = join(folder.path, 'real.sock');
  await rename(linkPath(folder.path), real);
  way = new SlowWay(real);
  await way.listen(linkPath(folder.path));
  worker = launch(env, ['worker']);
  await until(() => worker.output.text.includes('"ready"'));
  const ready = async () => (await fetch(`http://127.0.0.1:${env.PORT}/readyz`)).status === 200;
  expect(await ready()).toBe(true);

  way.holding = true;
  way.cut();
  await until(() => way.held.length > 0);
  other = await connectLink(folder.path, real);
  await other.submit('create_user', { caller: { id: 1 }, username: 'alice', name: 'Alice', description: '' });
  const alice = new TestUser(`http://127.0.0.1:${env.PORT}`, await sign({ sub: 1 }), 1, 'Alice');
  expect((await alice.get('/user')).status).toBe(200); // So the worker has come so far.
  expect(await ready()).toBe(false);
  way.holding = false;
  for (const pass of way.held) pass();
  await until(ready);
  expect(worker.process.exitCode).toBe(null);
});
