import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Operation } from '../../src/api/operation.js';
import { BASE, routes } from '../../src/api/routes.js';
import { TestServer } from '../support/server.js';
import { ask, expectRefusal, join, type StrictUser, stopUnharmed } from '../support/strict.js';

let server: TestServer;
let alice: StrictUser;
beforeAll(async () => {
  server = await TestServer.shared();
  alice = await join(server, 'Alice');
});
afterAll(() => stopUnharmed(server));

const withId = Object.entries<Operation>(routes).filter(([, { path }]) => path.includes('{id}'));
/** Not `^[1-9]\d*$`, or over 2^53-1. */
const BAD_IDS = [
  '0',
  '01',
  '00',
  '-1',
  '+1',
  '1.5',
  '1.0',
  '1e3',
  '0x1',
  'abc',
  'null',
  '1a',
  '%31',
  '%201',
  '1%20',
  '1%00',
  '%EF%BC%91',
  '9007199254740992',
  '9007199254740993',
  '99999999999999999999',
  '1'.repeat(400),
];

describe.each(withId)('the id in the path of %s', (_name, { method, path, body }) => {
  const ask = (id: string) => {
    const fields =
      body === undefined ? undefined : { id: 1, name: 'x', text: 'x', users: [{ id: alice.id }] };
    const named = path.replace('{id}', id).replace('{emoji}', '%E2%9D%A4');
    return alice.send(method, named.slice(BASE.length), fields);
  };

  it('is 400 when it is not a positive integer up to 2^53-1', async () => {
    for (const id of BAD_IDS) {
      const answer = await ask(id);
      expect({ id, status: answer.status, code: answer.body.code }).toEqual({
        id,
        status: 400,
        code: 'invalid_id',
      });
    }
  });

  it('may be anything up to 2^53-1, which is then unknown', async () => {
    for (const id of ['9007199254740991', '4503599627370496', '999999999999']) {
      const answer = await ask(id);
      expect(answer.body.code).toMatch(/^(user_unknown|(user|chat|group|message)_not_found)$/);
      expect(answer.body.code).not.toBe('invalid_id');
    }
  });

  it('is not looked at before the token', async () => {
    for (const id of ['0', 'abc']) {
      const answer = await fetch(`${server.url}${path.replace('{id}', id)}`, { method });
      expect(answer.status).toBe(401);
      await answer.text();
    }
  });
});

describe('an id in JSON', () => {
  it('is a number: a string is 400', async () => {
    const answer = await alice.post('/group', { name: 'g', users: [{ id: String(alice.id) }] });
    expectRefusal(answer, 400, 'invalid_field', { field: 'users.0.id' });
  });

  it('is a positive integer up to 2^53-1, however it is written', async () => {
    const create = (id: string) =>
      ask(server, 'POST', `${BASE}/group`, {
        token: alice.token,
        headers: { 'content-type': 'application/json' },
        body: `{"name":"g","users":[{"id":${alice.id}},{"id":${id}}]}`,
      });
    for (const id of ['0', '-1', '1.5', '9007199254740992', '1e300', 'true', 'null', '[1]', '{}']) {
      expectRefusal(await create(id), 400, 'invalid_field', { field: 'users.1.id' });
    }
    expectRefusal(await create('9007199254740991'), 400, 'user_unknown', { users: [2 ** 53 - 1] });
    expect((await create(`${alice.id}.0`)).status).toBe(200);
  });
});
