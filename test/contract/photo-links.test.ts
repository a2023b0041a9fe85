import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE } from '../../src/api/routes.js';
import { encoded, imageOf, noisePng, png } from '../support/images.js';
import { exitOf, launch, SECRET, TestServer } from '../support/server.js';
import { ask, expectRefusal, join, newcomer, type StrictUser, stopUnharmed } from '../support/strict.js';
import { nowSeconds, sign } from '../support/tokens.js';
import { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

const ORIGIN = 'https://app.example';

let server: TestServer;
let alice: StrictUser;
let bob: StrictUser;
let group: number;
beforeAll(async () => {
  server = await TestServer.start({ workers: 1, env: { ALLOWED_ORIGINS: ORIGIN } });
  alice = await newcomer(server, 'Alice');
  await alice.post('/user', form({ username: alice.username, name: 'Alice' }, noisePng(300, 200)));
  bob = await join(server, 'Bob');
  group = (await alice.post('/group', form({ name: 'g', users: [{ id: bob.id }] }, png(200, 200)))).body.group
    .id;
});
afterAll(() => stopUnharmed(server));

function form(json: object, photo: Buffer): FormData {
  const body = new FormData();
  body.set('json', JSON.stringify(json));
  body.set('photo', new Blob([new Uint8Array(photo)]), 'photo');
  return body;
}

/** What a browser asks for an `<img>` that has this as its source. */
const show = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${server.url}${url}`, { method, headers });

async function refusalOf(url: string): Promise<string> {
  const { status, body } = await ask(server, 'GET', url);
  return `${status} ${body.code}`;
}

describe('photo_url', () => {
  it('is beside every photo, and null without one', async () => {
    const own = (await alice.get('/user')).body;
    expect(own.photo_url.startsWith(`${own.photo}?`)).toBe(true);
    expect((await alice.get(`/user/${alice.id}`)).body.photo_url).toBe(own.photo_url);
    expect((await alice.patch('/user', { name: 'Alice' })).body.user.photo_url).toBe(own.photo_url);
    const shown = (await alice.get(`/group/${group}/info`)).body;
    expect(shown.photo_url.startsWith(`${shown.photo}?`)).toBe(true);
    expect((await alice.patch(`/group/${group}`, { name: 'g' })).body.group.photo_url).toBe(shown.photo_url);
    expect((await bob.get('/user')).body.photo_url).toBeNull();
    const bare = await alice.groupWith(bob);
    expect((await alice.get(`/group/${bare}/info`)).body.photo_url).toBeNull();
  });

  it('is one for each viewer, and the same on every worker', async () => {
    const urls = new Set<string>();
    for (let look = 0; look < 8; look++) urls.add((await bob.get(`/user/${alice.id}`)).body.photo_url);
    expect(urls.size).toBe(1);
    expect(urls).not.toContain((await alice.get('/user')).body.photo_url);
  });

  it('shows the photo without a token, in both sizes, on every worker, also on pages of other sites', async () => {
    const url = (await bob.get(`/user/${alice.id}`)).body.photo_url;
    for (const [size, width] of [
      ['', 300],
      ['&size=1280', 300],
      ['&size=160', 160],
    ] as const) {
      for (let look = 0; look < 4; look++) {
        const answer = await show(url + size);
        expect(answer.status).toBe(200);
        expect(Object.fromEntries(answer.headers)).toMatchObject({
          'content-type': 'image/webp',
          'cache-control': 'private, max-age=3600',
          'cross-origin-resource-policy': 'cross-origin',
          'content-security-policy': "default-src 'none'; sandbox",
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          vary: 'Origin',
        });
        expect(await imageOf(Buffer.from(await answer.arrayBuffer()))).toMatchObject({ width });
        const etag = answer.headers.get('etag') ?? '';
        expect((await show(url + size, { 'if-none-match': etag })).status).toBe(304);
        const head = await show(url + size, {}, 'HEAD');
        expect([head.status, head.headers.get('etag')]).toEqual([200, etag]);
      }
    }
    const allowed = await show(url, { origin: ORIGIN });
    expect(allowed.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  });

  it('is another one when the photo is replaced, and the old one shows the new photo', async () => {
    const carol = await newcomer(server, 'Carol');
    await carol.post('/user', form({ username: carol.username, name: 'Carol' }, png(10, 10)));
    const before = (await bob.get(`/user/${carol.id}`)).body.photo_url;
    const { user } = (await carol.patch('/user', form({}, await encoded('jpeg', 20, 20)))).body;
    const after = (await bob.get(`/user/${carol.id}`)).body.photo_url;
    expect(after).not.toBe(before);
    expect(user.photo).toBe(`${BASE}/user/${carol.id}/photo`);
    for (const url of [before, after])
      expect(await imageOf(Buffer.from(await (await show(url)).arrayBuffer()))).toMatchObject({ width: 20 });
    await carol.patch('/user', { photo: null });
    expect(await refusalOf(after)).toBe('404 photo_not_found');
  });

  it('is for those without a profile too, by whatever their tokens call them', async () => {
    const subject = 'auth0|photo & more';
    const token = await server.token(subject);
    const nobody = new TestUser(server.url, token, 0, 'Nobody');
    const url = (await nobody.get(`/user/${alice.id}`)).body.photo_url;
    expect((await show(url)).status).toBe(200);
    expect(await refusalOf(url.replace('photo%20%26', 'photo%26'))).toBe('401 unauthorized');
  });

  it('of a group shows its photo to a member, until the member is removed', async () => {
    const dave = await join(server, 'Dave');
    await alice.post(`/group/${group}/add`, { users: [{ id: dave.id }] });
    const url = (await dave.get(`/group/${group}/info`)).body.photo_url;
    expect((await show(url)).status).toBe(200);
    await alice.delete(`/group/${group}/delete`, { users: [{ id: dave.id }] });
    for (let look = 0; look < 4; look++) expect(await refusalOf(url)).toBe('404 group_not_found');
    expect((await show((await bob.get(`/group/${group}/info`)).body.photo_url)).status).toBe(200);
  });

  it('ends when the tokens of its viewer are revoked; a newer token brings a newer one', async () => {
    const erin = await join(server, 'Erin');
    const old = (await erin.get(`/user/${alice.id}`)).body.photo_url;
    const env = { JWT_SECRET: SECRET, DATA_DIR: server.dataDir };
    const { process } = launch(env, ['revoke', '--sub', String(erin.id)]);
    expect((await exitOf(process)).code).toBe(0);
    await until(
      async () =>
        (await refusalOf(old)) === '401 unauthorized' && (await refusalOf(old)) === '401 unauthorized',
    );
    const token = await sign({ sub: erin.id, iat: nowSeconds() + 4 });
    const later = new TestUser(server.url, token, erin.id, 'Erin');
    const url = await until(async () => (await later.get(`/user/${alice.id}`)).body.photo_url);
    expect(url).not.toBe(old);
    expect((await show(url)).status).toBe(200);
  });

  it.each<readonly [string, (url: string, other: string) => string]>([
    ['without its signature', (url) => url.replace(/&signature=.*/, '')],
    ['with another signature', (url) => url.replace(/signature=.{9}/, 'signature=AAAAAAAAA')],
    [
      'with the signature of another viewer',
      (url, other) => url.replace(/signature=.*/, /signature=.*/.exec(other)?.[0] ?? ''),
    ],
    ['of another viewer', (url) => url.replace(/viewer=\d+/, `viewer=${alice.id}`)],
    ['of another user', (url) => url.replace(/user\/\d+/, `user/${bob.id}`)],
    ['of a group', (url) => url.replace(/user\/\d+/, `group/${group}`)],
    ['that has expired', (url) => url.replace(/expires=\d+/, 'expires=1700000000')],
    ['that would last longer', (url) => url.replace(/expires=\d+/, 'expires=99999999999')],
    ['for something else', (url) => url.replace('/photo', '')],
    ['for the owner’s group', (url) => url.replace(/user\/\d+\/photo/, `group/${group}/info`)],
    ['with a method that changes something', (url) => url.replace(/\/\d+\/photo/, '')],
  ])('%s is 401, like no token at all', async (_what, change) => {
    const url = (await bob.get(`/user/${alice.id}`)).body.photo_url;
    const other = (await alice.get(`/user/${alice.id}`)).body.photo_url;
    const changed = change(url, other);
    expect(changed).not.toBe(url);
    const answer = await ask(server, 'GET', changed);
    expectRefusal(answer, 401, 'unauthorized');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect((await ask(server, 'POST', changed)).status).toBe(401);
  });

  it('takes no other size, and no place of a token that is not valid', async () => {
    const url = (await bob.get(`/user/${alice.id}`)).body.photo_url;
    expect(await refusalOf(`${url}&size=640`)).toBe('400 invalid_query');
    expectRefusal(await ask(server, 'GET', url, { token: 'e30.e30.e30' }), 401, 'unauthorized');
  });
});

describe('the requests of a link', () => {
  it('are counted as those of its viewer', async () => {
    const own = await TestServer.start({ workers: 1, env: { REQUESTS_PER_SECOND_PER_USER_MAX: '2' } });
    try {
      const frank = await own.stranger('Frank');
      const { status } = await frank.post('/user', form({ username: 'frank', name: 'F' }, png(9, 9)));
      expect(status).toBe(200);
      const url = await until(async () => (await frank.get('/user')).body.photo_url);
      const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(`${own.url}${url}`)));
      expect(answers.map((answer) => answer.status).sort()).toContain(429);
    } finally {
      await own.stop();
    }
    expect(own.output).not.toContain('signature=');
  });
});
