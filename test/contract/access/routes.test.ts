import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RouteName, routes } from '../../../src/api/routes.js';
import { TestServer } from '../../support/server.js';
import { ask, type RawAnswer, stopUnharmed } from '../../support/strict.js';
import { ROLES, type Role, RULES, ruleOf } from './rules.js';
import { pathTo, ROUTE_NAMES, Scene, UNKNOWN_ID } from './scene.js';

let server: TestServer;
/** In which nothing is ever changed. */
let still: Scene;
let before: unknown;
beforeAll(async () => {
  server = await TestServer.shared();
  still = await Scene.open(server);
  await still.revoke();
  before = await still.seen();
});
afterAll(() => stopUnharmed(server));

function request(
  scene: Scene,
  name: RouteName,
  role: Role,
  id: number,
  method: string = routes[name].method,
): Promise<RawAnswer> {
  const body = scene.bodyOf(name);
  return ask(server, method, pathTo(routes[name].path, id), {
    token: scene.token(role),
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body }),
  });
}

const verdictOf = ({ status, body }: RawAnswer) => (status === 200 ? '200' : `${status} ${body.code}`);

describe('every route', () => {
  it('has a rule, and no rule is without its route', () => {
    expect(Object.keys(RULES).sort()).toEqual([...ROUTE_NAMES].sort());
  });

  it.each(ROUTE_NAMES)('%s has a rule for unknown ids where its path has an id', (name) => {
    expect(ruleOf(name).unknown !== undefined).toBe(routes[name].path.includes('{id}'));
  });
});

describe.each(ROUTE_NAMES)('%s', (name) => {
  const { about, verdicts } = ruleOf(name);
  const isRead = routes[name].method === 'GET';

  it.each(ROLES.map((role) => [role, verdicts[role]] as const))('is to %s %s', async (role, verdict) => {
    const scene = isRead || verdict !== '200' ? still : await Scene.open(server);
    const answer = await request(scene, name, role, scene.idOf(about, role));
    expect(verdictOf(answer)).toBe(verdict);
    if (verdict.startsWith('401')) expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    if (!isRead) return;
    const head = await request(scene, name, role, scene.idOf(about, role), 'HEAD');
    expect([head.status, head.text]).toEqual([answer.status, '']);
    expect(headersOf(head)).toEqual(headersOf(answer));
  });
});

const WITH_ID = ROUTE_NAMES.filter((name) => ruleOf(name).unknown !== undefined);

it.each(WITH_ID)('%s is, of an id that was never given, what its rule says', async (name) => {
  expect(verdictOf(await request(still, name, 'owner', UNKNOWN_ID))).toBe(ruleOf(name).unknown);
});

describe('what was refused', () => {
  it('has changed nothing', async () => {
    expect(await still.seen()).toEqual(before);
  });
});

function headersOf({ headers }: RawAnswer): [string, string][] {
  return [...headers].filter(([name]) => name !== 'x-request-id' && name !== 'date');
}
