import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorsOf, type Operation } from '../../src/api/operation.js';
import { BASE, channels, routes } from '../../src/api/routes.js';
import { png } from '../support/images.js';
import { TestServer } from '../support/server.js';
import {
  ask,
  expectRefusal,
  newcomer,
  type RawAnswer,
  type StrictUser,
  stopUnharmed,
} from '../support/strict.js';

const TRIES_MAX = 50;

let server: TestServer;
let ann: StrictUser;
beforeAll(async () => {
  const env = {
    REQUESTS_PER_SECOND_PER_USER_MAX: '5',
    UPLOADS_PER_MINUTE_PER_USER_MAX: '1',
    SOCKETS_PER_USER_MAX: '1',
  };
  server = await TestServer.start({ workers: 1, env });
  ann = await newcomer(server, 'Ann');
  await ann.createProfile();
});
afterAll(() => stopUnharmed(server));

const pathTo = (path: string) => path.replace('{id}', '1');

/** Asks until the limit is reached. Every answer on the way is held to the contract. */
async function untilRefused(send: () => Promise<RawAnswer>): Promise<RawAnswer> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const answer = await send();
    if (answer.status === 429) return answer;
  }
  throw new Error('the limit was never reached');
}

describe('with limits on, what refuses for them is declared', () => {
  it.each(Object.entries<Operation>(routes))('by %s', async (_name, route) => {
    const { method, path } = route;
    const answer = await untilRefused(() => ask(server, method, pathTo(path), { token: ann.token }));
    expectRefusal(answer, 429, 'rate_limited');
    expect(answer.body.details.limit).toBe('requests');
    expect(errorsOf(route)).toContain('rate_limited');
  });

  it('by a path that is no endpoint', async () => {
    const answer = await untilRefused(() => ask(server, 'GET', `${BASE}/nothing`, { token: ann.token }));
    expectRefusal(answer, 429, 'rate_limited');
  });

  it('by an endpoint that takes photos', async () => {
    const { token } = await newcomer(server, 'Bob');
    const answer = await untilRefused(() => {
      const body = new FormData();
      body.set('json', '{}');
      body.set('photo', new Blob([png(1, 1)]));
      return ask(server, 'POST', `${BASE}/user`, { token, body });
    });
    expectRefusal(answer, 429, 'rate_limited');
    expect(answer.body.details.limit).toBe('uploads');
  });

  it.each(channels)('by upgrades of $path', async ({ path }) => {
    const first = await ann.connect('/main');
    const refused = await ann.refusal(pathTo(path).slice(BASE.length));
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_sockets']);
    await first.close();
  });
});
