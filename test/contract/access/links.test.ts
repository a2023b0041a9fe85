import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, routes } from '../../../src/api/routes.js';
import { TestServer } from '../../support/server.js';
import { ask, stopUnharmed } from '../../support/strict.js';
import { ROLES, type Role, type Verdict } from './rules.js';
import { type Links, ROUTE_NAMES, Scene } from './scene.js';

let server: TestServer;
let scene: Scene;
beforeAll(async () => {
  server = await TestServer.shared();
  scene = await Scene.open(server);
  await scene.revoke();
});
afterAll(() => stopUnharmed(server));

const PICTURES = { user: 'getUserPhoto', group: 'getGroupPhoto' } as const;

/**
 * What an `<img>` is shown in each role. `expired` has a link whose time is over, `revoked` one of before the
 * revocation, and `removed` one of before the removal. Who never could see a group tries the link of a member.
 */
// biome-ignore format: a table
const VERDICTS: Readonly<Record<Role, Readonly<Record<keyof Links, Verdict>>>> = {
  nobody:      { user: '401 unauthorized', group: '401 unauthorized' },
  expired:     { user: '401 unauthorized', group: '401 unauthorized' },
  revoked:     { user: '401 unauthorized', group: '401 unauthorized' },
  profileless: { user: '200',              group: '401 unauthorized' },
  stranger:    { user: '200',              group: '401 unauthorized' },
  removed:     { user: '200',              group: '404 group_not_found' },
  former:      { user: '200',              group: '401 unauthorized' },
  member:      { user: '200',              group: '200' },
  owner:       { user: '200',              group: '200' },
};

async function linkOf(role: Role, of: keyof Links): Promise<string> {
  const { people, formerLinks } = scene;
  const path = of === 'user' ? `/user/${scene.somebody.id}` : `/group/${scene.group}/info`;
  if (role === 'nobody') return `${BASE}/${of}/${of === 'user' ? scene.somebody.id : scene.group}/photo`;
  if (role === 'expired') return (await linkOf('owner', of)).replace(/expires=\d+/, 'expires=1700000000');
  if (role === 'revoked' || role === 'removed') return formerLinks[role][of];
  const { status, body } = await people[role].get(path);
  if (status === 200) return body.photo_url;
  return (await linkOf('member', of)).replace(/viewer=\d+/, `viewer=${people[role].id}`);
}

describe.each(['user', 'group'] as const)('the link to the photo of a %s', (of) => {
  it.each(ROLES.map((role) => [role, VERDICTS[role][of]] as const))('is to %s %s', async (role, verdict) => {
    const url = await linkOf(role, of);
    const { status, body } = await ask(server, 'GET', url);
    expect(status === 200 ? '200' : `${status} ${body.code}`).toBe(verdict);
    expect((await ask(server, 'HEAD', url)).status).toBe(status);
  });
});

it('no other route takes a link', async () => {
  expect(ROUTE_NAMES.filter((name) => 'image' in routes[name])).toEqual(Object.values(PICTURES));
  const query = (await linkOf('owner', 'user')).split('?')[1];
  for (const name of ROUTE_NAMES.filter((one) => !Object.values<string>(PICTURES).includes(one))) {
    const { method, path } = routes[name];
    const { status } = await ask(server, method, `${path.replace('{id}', String(scene.group))}?${query}`);
    expect([name, status]).toEqual([name, 401]);
  }
});
