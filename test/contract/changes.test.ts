import { readdir } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encoded, png } from '../support/images.js';
import { type Line, linesToBothWorkers } from '../support/lines.js';
import { TestServer } from '../support/server.js';
import { expectRefusal, join, newcomer, type StrictUser, stopUnharmed } from '../support/strict.js';
import { until } from '../support/wait.js';

let server: TestServer;
let alice: StrictUser;
let bob: StrictUser;
let lines: readonly Line[];
beforeAll(async () => {
  server = await TestServer.start({ workers: 2 });
  alice = await join(server, 'Alice');
  bob = await join(server, 'Bob');
  lines = await linesToBothWorkers(server, alice);
});
afterAll(async () => {
  for (const line of lines) line.hangUp();
  await stopUnharmed(server);
});

function form(json: unknown, photo?: Buffer): FormData {
  const body = new FormData();
  body.set('json', JSON.stringify(json));
  if (photo !== undefined) body.set('photo', new Blob([new Uint8Array(photo)]), 'me.png');
  return body;
}

/** What both workers answer to a GET. */
async function onBothWorkers(user: StrictUser, path: string): Promise<unknown[]> {
  const answers = await Promise.all(lines.map((line) => line.ask(user, 'GET', path)));
  return answers.map(({ body }) => body);
}

/** The files of an owner's photos. */
async function photosOf(owner: 'users' | 'groups', id: number): Promise<string[]> {
  return readdir(joinPath(server.dataDir, 'files', owner, String(id))).catch(() => []);
}

describe('PATCH /group/{id}', () => {
  let group: number;
  beforeAll(async () => {
    group = await alice.groupWith(bob);
  });
  const info = (changes: object) => ({
    id: group,
    photo: null,
    photo_url: null,
    owner_id: alice.id,
    users_count: 2,
    ...changes,
  });

  it('changes what is given, leaves the rest, and answers with the group', async () => {
    const named = await alice.patch(`/group/${group}`, { name: ' Chess ', description: 'Open\nto all' });
    expect(named).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(named.body.group).toEqual(info({ name: 'Chess', description: 'Open\nto all' }));
    const described = await alice.patch(`/group/${group}`, { description: '' });
    expect(described.body.group).toEqual(info({ name: 'Chess', description: '' }));
  });

  it('is seen by every member on every worker as soon as it is answered', async () => {
    for (let round = 0; round < 10; round++) {
      await onBothWorkers(bob, `/group/${group}/info`); // It is cached.
      await alice.patch(`/group/${group}`, { name: `round ${round}` });
      for (const body of await onBothWorkers(bob, `/group/${group}/info`))
        expect(body).toMatchObject({ name: `round ${round}` });
      for (const body of await onBothWorkers(bob, '/chats'))
        expect(body).toMatchObject({ rooms: [{ id: group, name: `round ${round}` }] });
    }
  });

  it('takes a photo, replaces it, and removes it', async () => {
    const path = `/api/v1/group/${group}/photo`;
    const first = await alice.patch(`/group/${group}`, form({}, png(10, 10)));
    expect(first.body.group).toMatchObject({ photo: path });
    expect((await bob.get(`/group/${group}/photo`)).headers.get('content-type')).toBe('image/webp');

    await alice.patch(`/group/${group}`, form({ name: 'with a jpeg' }, await encoded('jpeg', 20, 20)));
    expect((await bob.get(`/group/${group}/photo`)).headers.get('content-type')).toBe('image/jpeg');
    await until(async () => (await photosOf('groups', group)).length === 2);
    const etag = (await bob.get(`/group/${group}/photo`)).headers.get('etag') ?? '';
    const asked = (tags: string) =>
      bob.send('GET', `/group/${group}/photo`, undefined, { 'if-none-match': tags });
    expect(await asked(`"another", W/${etag}`)).toMatchObject({ status: 304, body: '' });
    expect((await asked('"another"')).status).toBe(200);

    const removed = await alice.patch(`/group/${group}`, { photo: null });
    expect(removed.body.group).toMatchObject({ photo: null, name: 'with a jpeg' });
    expectRefusal(await bob.get(`/group/${group}/photo`), 404, 'photo_not_found');
    await until(async () => (await photosOf('groups', group)).length === 0);
  });

  it('refuses what POST refuses, and a change that changes nothing', async () => {
    const refused = async (body: object, field: string) =>
      expectRefusal(await alice.patch(`/group/${group}`, body), 400, 'invalid_field', { field });
    await refused({}, 'body');
    await refused({ client_id: 'x' }, 'body');
    await refused(form({}), 'body');
    await refused({ name: '' }, 'name');
    await refused({ name: null }, 'name');
    await refused({ name: 'x'.repeat(129) }, 'name');
    await refused({ description: 'x'.repeat(1025) }, 'description');
    await refused({ photo: 'me.png' }, 'photo');
    await refused(form({ photo: null }, png(1, 1)), 'photo');
    expectRefusal(await alice.patch(`/group/${group}`, form({}, Buffer.from('no'))), 400, 'photo_invalid');
    expectRefusal(await alice.patch(`/group/${group}`), 415, 'unsupported_media_type');
  });

  it('is for the owner: a member is refused, and a stranger hears of no group', async () => {
    const carol = await join(server, 'Carol');
    const stranger = await newcomer(server, 'Nobody');
    expectRefusal(await bob.patch(`/group/${group}`, { name: 'mine' }), 403, 'not_owner');
    expectRefusal(await carol.patch(`/group/${group}`, { name: 'mine' }), 404, 'group_not_found');
    expectRefusal(await carol.patch('/group/999999', { name: 'mine' }), 404, 'group_not_found');
    expectRefusal(await stranger.patch(`/group/${group}`, { name: 'mine' }), 400, 'profile_required');
    const chat = await alice.chatWith(bob);
    expectRefusal(await alice.patch(`/group/${chat}`, { name: 'mine' }), 404, 'group_not_found');
    expectRefusal(await bob.patch(`/group/${group}`, form({}, png(1, 1))), 403, 'not_owner');
    expectRefusal(await carol.patch(`/group/${group}`, form({}, png(1, 1))), 404, 'group_not_found');
    expectRefusal(await stranger.patch(`/group/${group}`, form({}, png(1, 1))), 400, 'profile_required');
    expect((await photosOf('groups', group)).length).toBe(0);
  });

  it('sends nothing to open sockets, which go on', async () => {
    const socket = await bob.connect(`/group/${group}`);
    await socket.nextOf('history');
    await alice.patch(`/group/${group}`, { name: 'quiet' });
    const speaker = await alice.connect(`/group/${group}`);
    speaker.says('after it');
    expect((await socket.next()).text).toBe('after it');
    await Promise.all([socket.close(), speaker.close()]);
  });
});

describe('PATCH /user', () => {
  it('changes what is given, leaves the rest, and answers with the profile', async () => {
    const dora = await join(server, 'Dora');
    const photo = `/api/v1/user/${dora.id}/photo`;
    const answer = await dora.patch('/user', form({ description: 'a\nb' }, png(5, 5)));
    const profile = { id: dora.id, name: 'Dora', username: dora.username, description: 'a\nb', photo };
    expect(answer).toMatchObject({ status: 200, body: { status: 'ok', user: profile } });
    expect((await dora.patch('/user', { photo: null })).body.user).toEqual({
      ...profile,
      photo: null,
      photo_url: null,
      read_receipts: true,
    });
    const renamed = await dora.patch('/user', { username: `${dora.username}-x`, name: 'Dora D.' });
    expect(renamed.body.user).toMatchObject({ username: `${dora.username}-x`, name: 'Dora D.' });
    const { read_receipts: _, ...shown } = renamed.body.user;
    for (const body of await onBothWorkers(bob, `/user/${dora.id}`)) expect(body).toEqual(shown);
  });

  it("shows the new name wherever the user's name stands, history included, on every worker", async () => {
    const eve = await join(server, 'Eve');
    const chat = await eve.chatWith(bob);
    const group = await eve.groupWith(bob);
    for (const path of [`/chat/${chat}`, `/group/${group}`]) await eve.says(path, 'hello');
    // Histories with the name before are cached on both workers.
    for (const path of [`/chat/${chat}`, `/group/${group}?after=0`]) {
      for (const socket of await bob.connectOnBoth(path)) {
        expect((await socket.nextOf('history')).messages[0]?.author.name).toBe('Eve');
        await socket.close();
      }
    }
    await eve.patch('/user', { name: 'Eva' });
    for (const body of await onBothWorkers(bob, `/chat/${chat}/info`))
      expect(body).toMatchObject({ name: 'Eva', last_message: { author: { name: 'Eva' } } });
    for (const body of await onBothWorkers(bob, `/group/${group}/users`))
      expect(body).toMatchObject({ users: [{ name: 'Bob' }, { name: 'Eva' }] });
    for (const path of [`/chat/${chat}`, `/group/${group}?after=0`]) {
      for (const socket of await bob.connectOnBoth(path)) {
        expect((await socket.nextOf('history')).messages[0]?.author.name).toBe('Eva');
        await socket.close();
      }
    }
    const socket = await bob.connect(`/chat/${chat}`);
    await socket.nextOf('history');
    const speaker = await eve.connect(`/chat/${chat}`);
    speaker.says('hello again');
    expect((await socket.next()).author.name).toBe('Eva');
    await Promise.all([socket.close(), speaker.close()]);
  });

  it('refuses what POST refuses, and a change that changes nothing', async () => {
    const refused = async (body: object, field: string) =>
      expectRefusal(await alice.patch('/user', body), 400, 'invalid_field', { field });
    await refused({}, 'body');
    await refused({ username: '' }, 'username');
    await refused({ name: 'a\u0000b' }, 'name');
    await refused({ photo: 1 }, 'photo');
    const taken = { username: bob.username.toUpperCase() };
    expectRefusal(await alice.patch('/user', taken), 400, 'username_taken');
    expect((await alice.patch('/user', { username: alice.username.toUpperCase() })).status).toBe(200);
    const stranger = await newcomer(server, 'Nobody');
    expectRefusal(await stranger.patch('/user', { name: 'x' }), 400, 'profile_required');
  });

  it('maps a subject to its profile', async () => {
    const token = await server.token('auth0|patch');
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const send = (method: string, body: object) =>
      fetch(`${server.url}/api/v1/user`, { method, headers, body: JSON.stringify(body) });
    await send('POST', { username: 'patch-subject', name: 'S' });
    const answer = await send('PATCH', { name: 'T' });
    expect(await answer.json()).toMatchObject({ user: { username: 'patch-subject', name: 'T' } });
  });
});
