import { statSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encode, LINK_VERSION, linkPath } from '../../src/link/protocol.js';
import { SCHEMA_VERSION } from '../../src/store/sqlite/upkeep/migrations.js';
import { connectLink, TestLedger, temporaryFolder } from '../support/ledger.js';
import { until } from '../support/wait.js';

const KIB = 1024;
const GREETING = { schema: SCHEMA_VERSION, incarnation: 'one', newest: 0 };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

it('what rates a worker let pass is not kept for a ledger that reads nothing', async () => {
  const path = join(folder.path, 'stalled.sock');
  const sockets: Socket[] = [];
  const ledger = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    socket.write(encode({ type: 'hello', version: LINK_VERSION, ...GREETING }));
  });
  await new Promise<void>((resolve) => ledger.listen(path, resolve));
  const link = await connectLink(folder.path, path);
  const charges = Array.from({ length: 1000 }, (_, n) => [`u${n}`, 1] as const);
  const bytes = JSON.stringify(charges).length;
  const times = Math.ceil((64 * KIB * KIB) / bytes);
  for (let time = 0; time < times; time++) {
    link.limits.share('requests', charges);
    await nextTurn();
  }
  let heard = 0;
  sockets[0]?.on('data', (chunk) => {
    heard += chunk.length;
  });
  await until(() => heard > bytes);
  await sleep(500); // Whatever else was kept would come now.
  expect(heard).toBeLessThan(2 * KIB * KIB);
  link.close();
  await expect(link.limits.admit(['u1'])).rejects.toMatchObject({ code: 'unavailable' });
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => ledger.close(resolve));
});

it('nobody but its user can open the link', async () => {
  const ledger = await TestLedger.start(folder.path);
  expect(statSync(linkPath(folder.path)).mode & 0o777).toBe(0o600);
  await ledger.stop();
});
