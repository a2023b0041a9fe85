import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RateLimiter } from '../../src/chat/rate-limiter.js';
import { wsUrl } from '../support/chat.js';
import { png } from '../support/images.js';
import { timed } from '../support/measure.js';
import { TestServer } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

let server: TestServer;

describe('requests of a user', () => {
  afterEach(() => server.stop());

  async function started(
    env: Record<string, string>,
    workers = 2,
  ): Promise<{ ann: TestUser; bob: TestUser; path: string }> {
    server = await TestServer.start({ workers, env });
    const [ann, bob] = [await server.user('Ann'), await server.user('Bob')];
    return { ann, bob, path: `/chat/${await ann.chatWith(bob)}` };
  }

  it('over the limit are answered 429 with Retry-After; others are served', async () => {
    const { ann, bob } = await started({ REQUESTS_PER_SECOND_PER_USER_MAX: '5' });
    const { done: answers, seconds } = await timed(() =>
      Promise.all(Array.from({ length: 100 }, () => ann.get('/user'))),
    );
    const refusals = answers.filter(({ status }) => status === 429);
    const served = answers.filter(({ status }) => status === 200).length;
    expect(served + refusals.length).toBe(100);
    expect(refusals.length).toBeGreaterThan(0);
    expect(served).toBeLessThanOrEqual(10 + Math.ceil(5 * seconds)); // Five at once for each worker.
    for (const { body, headers } of refusals) {
      expect(body).toMatchObject({ code: 'rate_limited', details: { limit: 'requests' } });
      // What the other worker let pass fills a bucket to twice its second at most, and one request needs 200 ms of it.
      expect(body.details.retry_after_ms).toBeLessThanOrEqual(1200);
      expect(headers.get('retry-after')).toBe(String(Math.ceil(body.details.retry_after_ms / 1000)));
    }
    expect((await bob.get('/user')).status).toBe(200);
    await until(async () => (await ann.get('/user')).status === 200);
  });

  it('count on all workers together', async () => {
    const { ann } = await started({ REQUESTS_PER_SECOND_PER_USER_MAX: '10' });
    /** What one alone would let pass of the requests that were made, at the times at which they were. */
    const one = new RateLimiter<string>({ max: 10, inMs: 1000 });
    let expected = 0;
    let served = 0;
    const end = performance.now() + 3000;
    // One after the other, each on a connection of its own, which is any worker's.
    while (performance.now() < end || served < 30) {
      const { status } = await ann.send('GET', '/user', undefined, { connection: 'close' });
      if (status === 200) served += 1;
      if (one.take('ann', performance.now()) === 0) expected += 1;
    }
    // What one worker did not know of yet when the other counted comes on top.
    expect(served).toBeGreaterThanOrEqual(expected - 10);
    expect(served).toBeLessThanOrEqual(expected + 10);
  });

  it('count more when they are of long lists', async () => {
    const { ann } = await started({ REQUESTS_PER_SECOND_PER_USER_MAX: '20' }, 1);
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const owner = await server.user(`Owner ${n}`);
        for (let group = 0; group < 15; group++) await owner.groupWith(ann);
      }),
    );
    const most = async (path: string) => {
      await sleep(1100);
      const { done: answers, seconds } = await timed(() =>
        Promise.all(Array.from({ length: 60 }, () => ann.get(path))),
      );
      return { served: answers.filter(({ status }) => status === 200).length, seconds };
    };
    expect((await most('/user')).served).toBeGreaterThanOrEqual(20);
    // Each of 301 chats' worth: one, and three.
    const { served, seconds } = await most('/chats?limit=1');
    expect(served).toBeLessThanOrEqual(7 + Math.ceil(5 * seconds));

    await sleep(2100);
    // So many that the next is refused for another seven seconds.
    const strangers = Array.from({ length: 16_000 }, (_, n) => ({ id: 500_000 + n }));
    expect(await ann.post('/group', { name: 'g', users: strangers })).toMatchObject({
      body: { code: 'user_unknown' },
    });
    expect((await ann.get('/user')).body).toMatchObject({
      code: 'rate_limited',
      details: { limit: 'requests' },
    });
  });

  it('that are upgrades count more when they ask for much history', async () => {
    const { ann, path } = await started(
      { REQUESTS_PER_SECOND_PER_USER_MAX: '20', SOCKETS_PER_USER_MAX: '50' },
      1,
    );
    const most = async (limit: number) => {
      await sleep(1100);
      const { done: sockets, seconds } = await timed(() =>
        Promise.all(
          Array.from({ length: 30 }, () => ann.connect(`${path}?limit=${limit}`).catch(() => undefined)),
        ),
      );
      await Promise.all(sockets.map((socket) => socket?.close()));
      return { passed: sockets.filter((socket) => socket !== undefined).length, seconds };
    };
    expect((await most(100)).passed).toBe(30);
    // Each counts ten times, of a hundred at once and a hundred a second.
    const { passed, seconds } = await most(1000);
    expect(passed).toBeGreaterThanOrEqual(5);
    expect(passed).toBeLessThanOrEqual(12 + Math.ceil(10 * seconds));
  });

  it('that are upgrades may come five times as often, and at once for all sockets of the user', async () => {
    const { ann } = await started({ REQUESTS_PER_SECOND_PER_USER_MAX: '2', SOCKETS_PER_USER_MAX: '8' }, 1);
    const visit = async () => (await ann.connect('/main')).close();
    await Promise.all(Array.from({ length: 8 }, visit));
    // Many at once: one after the other, a slow machine stays under the limit.
    const refusal = await until(async () => {
      const tries = Array.from({ length: 30 }, () => ann.refusal('/main').catch(() => undefined));
      return (await Promise.all(tries)).find((answer) => answer?.body.code === 'rate_limited');
    });
    expect(refusal).toMatchObject({
      status: 429,
      body: { code: 'rate_limited', details: { limit: 'upgrades' } },
    });
    expect(refusal.headers.get('retry-after')).toBe('1');
    await until(() => visit().catch(() => undefined));
  });
});

const FAILED_LOGINS = { FAILED_LOGINS_PER_MINUTE_PER_ADDRESS_MAX: '5', TRUST_PROXY: 'loopback' };
const from = (address: string) => ({ 'x-forwarded-for': address });
const stranger = () => new TestUser(server.url, 'no.token.at-all', 0, 'Nobody');

describe('with one worker', () => {
  let ann: TestUser;
  let bob: TestUser;
  beforeAll(async () => {
    const env = { ...FAILED_LOGINS, UPLOADS_PER_MINUTE_PER_USER_MAX: '3', GROUP_MEMBERS_MAX: '3' };
    server = await TestServer.start({ workers: 1, env });
  });
  beforeEach(async () => {
    [ann, bob] = [await server.user('Ann'), await server.user('Bob')];
  });
  afterAll(() => server.stop());

  describe('uploads of a user', () => {
    it('over the limit are answered 429 before anything is stored; bodies without a photo are not counted', async () => {
      const upload = (user: TestUser, name: string) => {
        const form = new FormData();
        form.set('json', JSON.stringify({ name }));
        form.set('photo', new Blob([png(1, 1)]), 'photo.png');
        return user.post('/group', form);
      };
      const { done: refused, seconds: took } = await timed(async () => {
        for (const name of ['a', 'b', 'c']) expect((await upload(ann, name)).status).toBe(200);
        return upload(ann, 'd');
      });
      expect(refused).toMatchObject({
        status: 429,
        body: { code: 'rate_limited', details: { limit: 'uploads' } },
      });
      const seconds = Number(refused.headers.get('retry-after'));
      expect(seconds).toBeGreaterThanOrEqual(20 - Math.ceil(took));
      expect(seconds).toBeLessThanOrEqual(20);
      expect((await upload(bob, 'e')).status).toBe(200);
      expect((await ann.post('/group', { name: 'f' })).status).toBe(200);
      const { body } = await ann.get('/chats');
      expect(body.rooms.map(({ name }: { name: string }) => name)).toEqual(['f', 'c', 'b', 'a']);
    });
  });

  describe('failed logins of an address', () => {
    it('over the limit are answered 429, for a minute; valid tokens are taken', async () => {
      const fail = () => stranger().send('GET', '/user', undefined, from('203.0.113.1'));
      for (let n = 0; n < 5; n++) expect((await fail()).status).toBe(401);
      const refused = await fail();
      expect(refused).toMatchObject({
        status: 429,
        body: { code: 'rate_limited', details: { limit: 'failed_logins' } },
      });
      expect(refused.headers.get('retry-after')).toBe('60');
      // A token that was never seen before, over both carriers.
      const url = wsUrl(stranger(), '/main');
      expect(
        await TestSocket.refused(url, { headers: { authorization: 'Bearer x', ...from('203.0.113.1') } }),
      ).toMatchObject({ status: 429 });
      const browser = await TestSocket.open(url, { headers: from('203.0.113.1') }, ['chat.v1', 'bearer.x']);
      expect(await browser.closed()).toEqual({ code: 4429, reason: 'rate_limited' });
      const good = await ann.send('GET', '/user', undefined, from('203.0.113.1'));
      expect(good.status).toBe(200);
      const fresh = new TestUser(server.url, await server.token(ann.id, { jti: 'fresh' }), ann.id, ann.name);
      expect((await fresh.send('GET', '/user', undefined, from('203.0.113.1'))).status).toBe(200);
      expect((await stranger().send('GET', '/user', undefined, from('203.0.113.2'))).status).toBe(401);
    });

    it('without a token at all are none', async () => {
      for (let n = 0; n < 20; n++) {
        const { status } = await fetch(`${server.url}/api/v1/user`, { headers: from('203.0.113.9') });
        expect(status).toBe(401);
      }
    });
  });

  describe('members of a group', () => {
    it('are at most so many, counting the owner; what is refused changes nothing', async () => {
      const [cy, dan] = [await server.user('Cy'), await server.user('Dan')];
      const users = (...them: TestUser[]) => ({ users: them.map(({ id }) => ({ id })) });
      const tooLarge = {
        status: 400,
        body: { code: 'group_too_large', details: { limit: 'group_members', max: 3 } },
      };
      expect(await ann.post('/group', { name: 'g', ...users(bob, cy, dan) })).toMatchObject(tooLarge);
      const { body } = await ann.post('/group', { name: 'g', ...users(ann, bob) });
      const path = `/group/${body.group.id}`;
      expect(await ann.post(`${path}/add`, users(cy, dan))).toMatchObject(tooLarge);
      expect((await ann.get(`${path}/info`)).body.users_count).toBe(2);
      expect((await ann.post(`${path}/add`, users(cy))).status).toBe(200);
      expect(await ann.post(`${path}/add`, users(dan))).toMatchObject(tooLarge);
      expect((await ann.delete(`${path}/delete`, users(bob))).status).toBe(200);
      expect((await ann.post(`${path}/add`, users(dan))).status).toBe(200);
    });

    it('are those who are really added, where that is asked for as far as there is need', async () => {
      const [cy, dan] = [await server.user('Cy'), await server.user('Dan')];
      const users = (...them: TestUser[]) => ({ users: them.map(({ id }) => ({ id })) });
      const { body } = await ann.post('/group', { name: 'g', ...users(bob) });
      const add = (...them: TestUser[]) =>
        ann.post(`/group/${body.group.id}/add?if_needed=true`, users(...them));
      expect(await add(ann, bob, cy)).toMatchObject({ status: 200, body: { added: [cy.id] } });
      expect(await add(ann, bob, cy)).toMatchObject({ status: 200, body: { added: [] } });
      expect(await add(bob, dan)).toMatchObject({ status: 400, body: { code: 'group_too_large' } });
    });
  });
});

describe('failed logins of an address', () => {
  afterEach(() => server.stop());

  it('count on all workers together, expired and revoked ones as well', async () => {
    server = await TestServer.start({ workers: 2, env: FAILED_LOGINS });
    const token = await server.token(1, { exp: Math.floor(Date.now() / 1000) - 60 });
    const expired = new TestUser(server.url, token, 1, 'Ann');
    const attempts: number[] = [];
    const { seconds } = await timed(async () => {
      for (let n = 0; n < 30; n++) {
        const { status } = await expired.send('GET', '/user', undefined, {
          ...from('203.0.113.1'),
          connection: 'close',
        });
        attempts.push(status);
      }
    });
    expect(attempts[0]).toBe(401);
    const failed = attempts.filter((status) => status === 401).length;
    expect(failed).toBeLessThanOrEqual(10 + Math.ceil((5 * seconds) / 60));
    expect(attempts).toContain(429);
  });
});
