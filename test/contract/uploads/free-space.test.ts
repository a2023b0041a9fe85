import { afterAll, beforeAll, expect, it } from 'vitest';
import { png } from '../../support/images.js';
import { ServerOnSmallDisk } from '../../support/small-disk.js';
import type { TestUser } from '../../support/user.js';
import { until } from '../../support/wait.js';

const MIB = 1024 * 1024;

let disk: ServerOnSmallDisk;
let alice: TestUser;
beforeAll(async () => {
  disk = await ServerOnSmallDisk.start(4 * MIB);
  alice = await disk.server.user('Alice');
});
afterAll(() => disk.server.stop());

function form(json: unknown, photo?: Buffer): FormData {
  const body = new FormData();
  body.set('json', JSON.stringify(json));
  if (photo !== undefined) body.set('photo', new Blob([new Uint8Array(photo)]), 'photo.png');
  return body;
}
const group = () => form({ name: 'g' }, png(10, 10, Buffer.alloc(20_000)));

it('with less free space than FREE_SPACE_BYTES_MIN photos are refused, and everything else goes on', async () => {
  const made = await alice.post('/group', group());
  expect(made.status).toBe(200);
  const { id } = made.body.group;
  const kept = disk.files('files');

  disk.fill(8 * MIB);
  const refused = await until(async () => {
    const answer = await alice.post('/group', group());
    return answer.status !== 200 && answer;
  });
  expect(refused).toMatchObject({
    status: 507,
    body: {
      status: 'error',
      code: 'storage_low',
      error: 'The server has too little space left to take photos; everything else works.',
      details: { retry_after_ms: 60_000 },
    },
  });
  expect(refused.headers.get('retry-after')).toBe('60');
  const bob = await disk.server.stranger('Bob');
  const profile = { username: 'bob', name: 'Bob' };
  expect((await bob.post('/user', form(profile, png(1, 1)))).body.code).toBe('storage_low');
  expect((await bob.get('/user')).status).toBe(404);
  expect(disk.files('tmp')).toEqual([]);

  expect((await alice.get(`/group/${id}/photo`)).status).toBe(200);
  expect((await bob.post('/user', form(profile))).status).toBe(200);
  expect((await alice.post('/group', { name: 'without' })).status).toBe(200);
  expect((await alice.post('/group', form({ name: 'empty' }, Buffer.alloc(0)))).status).toBe(200);
  const socket = await alice.connect(`/group/${id}`);
  await socket.nextOf('history');
  socket.says('still here');
  await socket.hears('still here');
  await socket.close();

  disk.free();
  await until(async () => (await alice.post('/group', group())).status === 200);
  expect(disk.files('files').length).toBeGreaterThan(kept.length);
});
