import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { RateLimiter } from '../../src/chat/rate-limiter.js';
import { historyOf, live, numbered, textOf, wsUrl } from '../support/chat.js';
import { png } from '../support/images.js';
import { TestServer } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

let server: TestServer;
afterEach(() => server.stop());

async function started(
  env: Record<string, string>,
  workers = 2,
): Promise<{ ann: TestUser; bob: TestUser; path: string }> {
  server = await TestServer.start({ workers, env });
  const [ann, bob] = [await server.user('Ann'), await server.user('Bob')];
  return { ann, bob, path: `/chat/${await ann.chatWith(bob)}` };
}

/** Runs something, and resolves to what came of it and the seconds that it took: meanwhile a rate lets more pass. */
async function timed<T>(act: () => Promise<T>): Promise<{ done: T; seconds: number }> {
  const began = performance.now();
  const done = await act();
  return { done, seconds: (performance.now() - began) / 1000 };
}

describe('requests of a user', () => {
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
      expect(body.details.retry_after_ms).toBeLessThanOrEqual(1000);
      expect(headers.get('retry-after')).toBe('1');
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

describe('messages of a user', () => {
  it('over five times the limit at once are refused, and not stored', async () => {
    const { ann, bob, path } = await started({ MESSAGES_PER_SECOND_PER_USER_MAX: '4' });
    const [socket, listener] = [await live(ann, path), await live(bob, path)];
    const words = numbered('word', 40); // As many as may be on their way.
    const { seconds } = await timed(async () => {
      for (const text of words) socket.says(text, text);
      await until(() => socket.frames.length > words.length);
    });
    const errors = socket.frames.filter(({ type }) => type === 'error');
    const echoes = socket.frames.filter(({ type }) => type === 'message').map(textOf);
    expect(echoes.slice(0, 20)).toEqual(words.slice(0, 20));
    expect(echoes.length).toBeLessThanOrEqual(20 + Math.ceil(4 * seconds));
    expect(errors.length).toBeGreaterThan(0);
    const refused = words.filter((word) => !echoes.includes(word));
    expect(errors.map(({ client_id }) => client_id).sort()).toEqual(refused.sort());
    for (const { code, details } of errors) {
      expect(code).toBe('rate_limited');
      expect(details.limit).toBe('messages');
      expect(details.retry_after_ms).toBeGreaterThan(0);
      expect(details.retry_after_ms).toBeLessThanOrEqual(250);
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    socket.says('later');
    await until(() => listener.frames.some(({ text }) => text === 'later'));
    const history = await historyOf(bob, path);
    expect(history.map(textOf)).toEqual([...echoes, 'later']);
  });

  it('count in all chats and on all workers together', async () => {
    const { ann, bob, path } = await started({ MESSAGES_PER_SECOND_PER_USER_MAX: '4' });
    const cy = await server.user('Cy');
    const elsewhere = `/chat/${await ann.chatWith(cy)}`;
    const [one, other] = await ann.connectOnBoth(path);
    const third = await live(ann, elsewhere);
    const sockets = [one, other, third];
    const names = (index: number) => numbered(`socket ${index}, word`, 30);
    const isAnswered = ({ frames }: TestSocket, name: string) =>
      frames.some(({ client_id }) => client_id === name);
    const { seconds } = await timed(async () => {
      for (const [index, socket] of sockets.entries())
        for (const name of names(index)) socket.says(name, name);
      for (const [index, socket] of sockets.entries())
        await until(() => names(index).every((name) => isAnswered(socket, name)));
    });
    const stored = (await historyOf(bob, path)).length + (await historyOf(cy, elsewhere)).length;
    expect(stored).toBeGreaterThanOrEqual(20);
    expect(stored).toBeLessThanOrEqual(21 + Math.ceil(4 * seconds));
  });

  it('that go on and on end the socket with 4429', async () => {
    const { ann, bob, path } = await started({ MESSAGES_PER_SECOND_PER_USER_MAX: '4' });
    const [socket, listener] = [await live(ann, path), await live(bob, path)];
    const { seconds } = await timed(async () => {
      for (const text of numbered('word', 2000)) socket.says(text);
      expect(await socket.closed()).toEqual({ code: 4429, reason: 'too many frames' });
    });
    listener.says('and I?');
    await until(() => listener.frames.some(({ text }) => text === 'and I?'));
    const history = await historyOf(bob, path);
    expect(history.length).toBeLessThanOrEqual(22 + Math.ceil(4 * seconds));
    await live(ann, path);
  });
});

describe('frames of a user', () => {
  it('who was ended for them are too many on a new socket as well', async () => {
    const { ann, bob, path } = await started({ MESSAGES_PER_SECOND_PER_USER_MAX: '4' }, 1);
    const socket = await live(ann, path);
    for (let n = 0; n < 3000; n++) socket.send({ type: 'typing' });
    expect(await socket.closed()).toEqual({ code: 4429, reason: 'too many frames' });
    const [again, other] = [await live(ann, path), await live(bob, path)];
    // Fewer than might come at once, and more than a second brings back.
    for (let n = 0; n < 800; n++) again.send({ type: 'typing' });
    expect(await again.closed()).toEqual({ code: 4429, reason: 'too many frames' });
    other.says('and I?');
    await until(() => other.frames.some(({ text }) => text === 'and I?'));
  });
});

describe('typing of a user', () => {
  it('over the limit is dropped; what was passed on is taken back all the same', async () => {
    const { ann, bob, path } = await started({ TYPING_PER_SECOND_PER_USER_MAX: '2' });
    const [one, listener] = [await live(ann, path), await live(bob, path)];
    const heardOf = (wanted: string) => listener.frames.filter(({ type }) => type === wanted).length;
    const began = performance.now();
    for (let n = 0; n < 50; n++) one.send({ type: 'typing' });
    await until(() => heardOf('typing') >= 2); // A message that came first would take them back.
    for (let n = 0; n < 50; n++) one.send({ type: 'stop_typing' });
    await until(() => heardOf('stop_typing') === 1);
    one.says('done');
    await until(() => listener.frames.some(({ text }) => text === 'done'));
    // Two at once, and one more for each half second that it took.
    const heard = listener.frames.slice(1).map(({ type }) => type);
    const typings = heard.filter((type) => type === 'typing');
    const seconds = (performance.now() - began) / 1000;
    expect(typings.length).toBeGreaterThanOrEqual(2);
    expect(typings.length).toBeLessThanOrEqual(3 + Math.ceil(2 * seconds));
    expect(heard.filter((type) => type !== 'typing')).toEqual(['stop_typing', 'message']);
    expect(one.frames.slice(1).map(({ type }) => type)).toEqual(['message']);
  });
});

describe('pings', () => {
  it('are answered, and end the socket with 4429 when they are a flood', async () => {
    const { ann, path } = await started({});
    const [socket, other] = [await live(ann, path), await live(ann, path)];
    for (let n = 0; n < 100; n++) other.ping();
    await until(() => other.pongs === 100);
    for (let n = 0; n < 1000; n++) socket.ping();
    expect(await socket.closed()).toEqual({ code: 4429, reason: 'too many frames' });
    other.says('still here');
    await other.hears('still here');
  });
});

describe('uploads of a user', () => {
  it('over the limit are answered 429 before anything is stored; bodies without a photo are not counted', async () => {
    const { ann, bob } = await started({ UPLOADS_PER_MINUTE_PER_USER_MAX: '3' }, 1);
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
    expect(body.rooms.map(({ name }: { name: string }) => name)).toEqual(['f', 'c', 'b', 'a', 'Bob']);
  });
});

describe('failed logins of an address', () => {
  const limits = { FAILED_LOGINS_PER_MINUTE_PER_ADDRESS_MAX: '5', TRUST_PROXY: 'loopback' };
  const from = (address: string) => ({ 'x-forwarded-for': address });
  const stranger = () => new TestUser(server.url, 'no.token.at-all', 0, 'Nobody');

  it('over the limit are answered 429, for a minute; valid tokens are taken', async () => {
    const { ann } = await started(limits, 1);
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

  it('count on all workers together, expired and revoked ones as well', async () => {
    await started(limits);
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

  it('without a token at all are none', async () => {
    await started(limits, 1);
    for (let n = 0; n < 20; n++) {
      const { status } = await fetch(`${server.url}/api/v1/user`, { headers: from('203.0.113.1') });
      expect(status).toBe(401);
    }
  });
});

describe('members of a group', () => {
  it('are at most so many, counting the owner; what is refused changes nothing', async () => {
    const { ann, bob } = await started({ GROUP_MEMBERS_MAX: '3' }, 1);
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
});
