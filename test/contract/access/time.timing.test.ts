import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { TestServer } from '../../support/server.js';
import { BLIND, DOORS } from './hidden.js';
import { ByteLine } from './line.js';
import { Scene, UNKNOWN_ID } from './scene.js';
import { type Timed, tellApart } from './timing.js';

const ROUNDS = 25;
/** A difference of twice as much is found, and noise stays under it. */
const DIFFERENCE_US_MAX = 50;

/** Not there, or no profile; as chat.v1 it is told by a close frame. */
const REFUSED =
  /^HTTP\/1\.1 (404 |400 .*"profile_required"|403 .*"profile_required"|101 .*_(not_found|required)$)/s;

let dataDir: string;
let server: TestServer;
let scene: Scene;
let line: ByteLine;
beforeAll(async () => {
  // In memory, where there is such a folder: a sync to a disk takes a hundred times what is looked for.
  const memory = '/dev/shm';
  dataDir = await mkdtemp(join(existsSync(memory) ? memory : tmpdir(), 'parley-test-'));
  server = await TestServer.start({ workers: 1, dataDir });
  scene = await Scene.open(server);
});
beforeEach(async () => {
  line = await ByteLine.dial(server.port);
});
afterEach(() => line.hangUp());
afterAll(async () => {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Over the line, or over one of its own where the answer is the last. */
function timed(request: string, before: () => void = () => undefined): Timed {
  const isLast = request.includes('chat.v1');
  return async () => {
    const own = isLast ? await ByteLine.dial(server.port) : line;
    const began = performance.now();
    before();
    const answer = await own.ask(request);
    const took = performance.now() - began;
    if (!REFUSED.test(answer)) throw new Error(`not what is to be compared: ${answer}`);
    if (isLast) own.hangUp();
    return took * 1000;
  };
}

/** A HEAD is answered as its GET is. */
const doors = DOORS.filter(({ name }) => !name.startsWith('HEAD'));

it.each(doors)('$name takes as long for what is there as for nothing', async ({ about, knock }) => {
  const pairs = Object.entries(BLIND[about]).map(([name, blind]) => {
    const { who, id } = blind(scene);
    return { name, one: timed(knock(scene, who, id)), other: timed(knock(scene, who, UNKNOWN_ID)) };
  });
  expect(await tellApart(pairs, ROUNDS, DIFFERENCE_US_MAX)).toEqual([]);
});

it('a difference of 100 µs would be told', async () => {
  const { who, id } = BLIND.chat['a stranger']?.(scene) ?? { who: scene.somebody, id: scene.chat };
  const request = DOORS[0]?.knock(scene, who, id) ?? '';
  const later = () => {
    for (const until = performance.now() + 0.1; performance.now() < until; );
  };
  const same = { name: 'same', one: timed(request), other: timed(request) };
  const planted = { name: 'planted', one: timed(request, later), other: timed(request) };
  const told = await tellApart([same, planted], ROUNDS, DIFFERENCE_US_MAX);
  expect(told.map(({ name }) => name)).toEqual(['planted']);
});
