import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { ask, expectRefusal, join, StrictUser, stopUnharmed } from '../support/strict.js';
import { forge, sign } from '../support/tokens.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2 });
});
afterAll(() => stopUnharmed(server));

const MAPPED_MIN = 1_000_000_000_000;
let count = 0;

/** Whoever this `sub` is, with a profile; `id` is what the server says. */
async function known(sub: unknown): Promise<StrictUser> {
  const token = await sign({ sub });
  const name = `s${++count}`;
  const user = new StrictUser(server.url, token, 0, name);
  await user.createProfile();
  const me = await user.get('/user');
  expect(me.status).toBe(200);
  return new StrictUser(server.url, token, me.body.id, name);
}

const status = async (token: string) => (await ask(server, 'GET', '/api/v1/user', { token })).status;

describe('a sub that is an integer from 1 to 999 999 999 999', () => {
  it.each([
    [7001, 7001],
    ['7002', 7002],
    [999_999_999_999, 999_999_999_999],
    ['999999999998', 999_999_999_998],
  ])('is the user id: %j', async (sub, id) => {
    expect((await known(sub)).id).toBe(id);
  });

  it('is the same user as a number and as its string', async () => {
    const user = await known(7100);
    const again = await ask(server, 'GET', '/api/v1/user', { token: await sign({ sub: '7100' }) });
    expect(again.body).toEqual((await user.get('/user')).body);
    expectRefusal(
      await new StrictUser(server.url, await sign({ sub: '7100' }), 7100, 'x').post('/user', {
        username: 'twice',
        name: 'Twice',
      }),
      400,
      'user_exists',
    );
  });

  it('may be written as a float without a fraction', async () => {
    await known(7200);
    expect(await status(forge({ alg: 'HS256' }, '{"sub":7200.0}'))).toBe(200);
    expect(await status(forge({ alg: 'HS256' }, '{"sub":72e2}'))).toBe(200);
  });
});

describe('any other string up to 255 characters', () => {
  it.each([
    ['with a provider', 'auth0|5f7c8ec7c33c6c004bbafe82'],
    ['that is a UUID', '0b5b4b6c-6a8e-4b8e-9d5c-2f8f9a7e1c11'],
    ['with a leading zero', '007'],
    ['that is zero', '0'],
    ['that is negative', '-7001'],
    ['with a sign', '+7001'],
    ['with a fraction', '7001.0'],
    ['with an exponent', '7e3'],
    ['in hexadecimal', '0x1b'],
    ['with white space', ' 7001'],
    ['of 13 digits', '1000000000000'],
    ['of digits that are not ASCII', '٧٠٠١'],
    ['of one space', ' '],
    ['of one letter', 'x'],
    ['of 255 letters', 'x'.repeat(255)],
    ['of 255 emoji', '😀'.repeat(255)],
  ])('is mapped to an id from 10^12 up: one %s', async (_what, sub) => {
    const user = await known(sub);
    expect(user.id).toBeGreaterThanOrEqual(MAPPED_MIN);
    const again = await ask(server, 'GET', '/api/v1/user', { token: await sign({ sub, jti: 'another' }) });
    expect(again.body.id).toBe(user.id);
  });

  it('is mapped to an id of its own, compared exactly', async () => {
    const subjects = ['Case', 'case', 'case ', 'é', 'e\u0301', '007a', '07a'];
    const ids = [];
    for (const sub of subjects) ids.push((await known(sub)).id);
    expect(new Set(ids).size).toBe(subjects.length);
  });

  it('is a user like any other for others', async () => {
    const alice = await join(server, 'Alice');
    const mapped = await known('auth0|someone');
    expect((await alice.get(`/user/${mapped.id}`)).body.id).toBe(mapped.id);
    const chat = await alice.chatWith(mapped);
    expect(await mapped.chatWith(alice)).toBe(chat);
    const group = await mapped.groupWith(alice);
    expect((await alice.get(`/group/${group}/info`)).body.owner_id).toBe(mapped.id);
    expect((await mapped.get('/chats')).body.rooms).toHaveLength(2);
    expectRefusal(await mapped.post(`/chat/${mapped.id}`), 400, 'self_chat');
  });

  it('has no profile until it creates one', async () => {
    const alice = await join(server, 'Alice');
    const token = await sign({ sub: 'auth0|nobody' });
    const nobody = new StrictUser(server.url, token, 0, 'nobody');
    expectRefusal(await nobody.get('/user'), 404, 'user_not_found');
    expectRefusal(await nobody.get('/chats'), 404, 'chats_not_found');
    expect((await nobody.get(`/user/${alice.id}`)).status).toBe(200);
    expectRefusal(await nobody.post(`/chat/${alice.id}`), 400, 'profile_required');
    expectRefusal(await nobody.post('/group', { name: 'g' }), 400, 'profile_required');
    const group = await alice.groupWith();
    expectRefusal(await nobody.get(`/group/${group}/info`), 404, 'group_not_found');
    expectRefusal(await nobody.delete(`/group/${group}`), 400, 'profile_required');
    const users = [{ id: alice.id }];
    expectRefusal(await nobody.post(`/group/${group}/add`, { users }), 400, 'profile_required');
    expectRefusal(await nobody.delete(`/group/${group}/delete`, { users }), 400, 'profile_required');
  });

  it('gets one profile when it asks for many at once', async () => {
    const token = await sign({ sub: 'auth0|eager' });
    const eager = new StrictUser(server.url, token, 0, 'eager');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => eager.post('/user', { username: `eager${n}`, name: 'Eager' })),
    );
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      expectRefusal(answer, 400, 'user_exists');
    }
  });
});

describe('any other sub', () => {
  it.each([
    ['absent', '{}'],
    ['null', '{"sub":null}'],
    ['empty', '{"sub":""}'],
    ['zero', '{"sub":0}'],
    ['minus zero', '{"sub":-0}'],
    ['negative', '{"sub":-1}'],
    ['a fraction', '{"sub":1.5}'],
    ['10^12 as a number', '{"sub":1000000000000}'],
    ['2^53 as a number', '{"sub":9007199254740992}'],
    ['an enormous number', '{"sub":1e300}'],
    ['a boolean', '{"sub":true}'],
    ['a list', '{"sub":[1]}'],
    ['an object', '{"sub":{"id":1}}'],
    ['a string of 256 letters', `{"sub":"${'x'.repeat(256)}"}`],
    ['a string of 256 emoji', `{"sub":"${'😀'.repeat(256)}"}`],
    ['under another name', '{"id":1,"user_id":1,"uid":1}'],
  ])('is 401: %s', async (_what, claims) => {
    const answer = await ask(server, 'GET', '/api/v1/user', { token: forge({ alg: 'HS256' }, claims) });
    expectRefusal(answer, 401, 'unauthorized');
  });
});

describe('a mapping', () => {
  it('is for good: it survives a restart', async () => {
    const user = await known('auth0|forever');
    const dataDir = server.dataDir;
    await server.end();
    const again = await TestServer.start({ workers: 1, dataDir });
    const token = await sign({ sub: 'auth0|forever' });
    expect((await ask(again, 'GET', '/api/v1/user', { token })).body.id).toBe(user.id);
    await stopUnharmed(again);
  });
});
