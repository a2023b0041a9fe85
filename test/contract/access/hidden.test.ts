import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../../support/server.js';
import { stopUnharmed } from '../../support/strict.js';
import { BLIND, DOORS } from './hidden.js';
import { ByteLine } from './line.js';
import { Scene, UNKNOWN_ID } from './scene.js';

let server: TestServer;
let scene: Scene;
beforeAll(async () => {
  server = await TestServer.shared();
  scene = await Scene.open(server);
  await scene.somebody.groupWith(scene.people.owner);
  await scene.somebody.chatWith(scene.people.owner);
  await scene.somebody.chatWith(scene.people.member);
});
afterAll(() => stopUnharmed(server));

/** The whole answer, without what belongs to the one request. */
async function answerTo(request: string): Promise<string> {
  const line = await ByteLine.dial(server.port);
  const answer = await line.ask(request);
  line.hangUp();
  return answer
    .replace(/^x-request-id: [0-9a-f]+-\d+$/m, 'x-request-id: …')
    .replace(/^date: .*$/im, 'date: …');
}

describe.each(DOORS)('$name', ({ about, knock }) => {
  it.each(
    Object.entries(BLIND[about]),
  )('tells %s, byte for byte, what it tells of nothing', async (_, blind) => {
    const { who, id } = blind(scene);
    // Whatever the token is, it is a known one from here on.
    expect((await who.get('/user')).status).toBe(who === scene.people.profileless ? 404 : 200);
    const there = await answerTo(knock(scene, who, id));
    expect(there).not.toMatch(/^HTTP\/1\.1 (200|401) /);
    for (const nothing of [UNKNOWN_ID, id + 1000])
      expect(await answerTo(knock(scene, who, nothing))).toBe(there);
  });
});
