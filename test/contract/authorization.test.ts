import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Operation } from '../../src/api/operation.js';
import { type RouteName, routes } from '../../src/api/routes.js';
import type { ErrorCode } from '../../src/chat/errors.js';
import { TestServer } from '../support/server.js';
import { ask, join, newcomer, type RawAnswer, type StrictUser, stopUnharmed } from '../support/strict.js';

type Verdict = 'ok' | ErrorCode;
/** Who asks, and what they hear. */
type Rule = Readonly<Record<string, Verdict>>;

const READ_OF_A_GROUP = {
  nobody: 'unauthorized',
  profileless: 'group_not_found',
  stranger: 'group_not_found',
  removed: 'group_not_found',
  deleted: 'group_not_found',
} as const;
const RULE_OF_THE_OWNER = {
  nobody: 'unauthorized',
  profileless: 'profile_required',
  stranger: 'group_not_found',
  removed: 'group_not_found',
  deleted: 'group_not_found',
  member: 'not_owner',
  owner: 'ok',
} as const;

/** A route without a line here fails the test below. */
const RULES: Readonly<Record<RouteName, Rule>> = {
  createUser: { nobody: 'unauthorized', profileless: 'ok', member: 'user_exists' },
  getMe: { nobody: 'unauthorized', profileless: 'user_not_found', member: 'ok' },
  getUser: { nobody: 'unauthorized', profileless: 'ok', stranger: 'ok', owner: 'ok' },
  getUserPhoto: { nobody: 'unauthorized', profileless: 'photo_not_found', stranger: 'photo_not_found' },
  openChat: { nobody: 'unauthorized', profileless: 'profile_required', stranger: 'ok', owner: 'self_chat' },
  getChatInfo: {
    nobody: 'unauthorized',
    profileless: 'chat_not_found',
    stranger: 'chat_not_found',
    removed: 'chat_not_found',
    member: 'ok',
    owner: 'ok',
  },
  createGroup: { nobody: 'unauthorized', profileless: 'profile_required', stranger: 'ok' },
  deleteGroup: RULE_OF_THE_OWNER,
  getGroupInfo: { ...READ_OF_A_GROUP, member: 'ok', owner: 'ok' },
  getGroupUsers: { ...READ_OF_A_GROUP, member: 'ok', owner: 'ok' },
  getGroupPhoto: { ...READ_OF_A_GROUP, member: 'photo_not_found', owner: 'photo_not_found' },
  addMembers: RULE_OF_THE_OWNER,
  removeMembers: RULE_OF_THE_OWNER,
  listChats: { nobody: 'unauthorized', profileless: 'chats_not_found', member: 'ok', owner: 'ok' },
};

let server: TestServer;
let owner: StrictUser;
let member: StrictUser;
let removed: StrictUser;
let stranger: StrictUser;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2 });
  owner = await join(server, 'Owner');
  member = await join(server, 'Member');
  removed = await join(server, 'Removed');
  stranger = await join(server, 'Stranger');
});
afterAll(() => stopUnharmed(server));

/** A group as every role but `deleted` finds it: two users, and one who was removed. */
async function newGroup(): Promise<number> {
  const group = await owner.groupWith(member, removed);
  await owner.delete(`/group/${group}/delete`, { users: [{ id: removed.id }] });
  return group;
}

/** The token of a role, and which chat the request is about. */
async function enter(role: string, path: string): Promise<{ token: string | undefined; id: number }> {
  const id = path.includes('/group/')
    ? await newGroup()
    : path.includes('/chat/{id}/')
      ? await owner.chatWith(member)
      : owner.id;
  if (role === 'deleted') {
    await owner.delete(`/group/${id}`);
    return { token: owner.token, id };
  }
  const users: Record<string, StrictUser> = { owner, member, removed, stranger };
  const user = role === 'profileless' ? await newcomer(server, 'Nemo') : users[role];
  return { token: user?.token, id };
}

function request({ method, path }: Operation, id: number, token: string | undefined): Promise<RawAnswer> {
  const bodies: Record<string, object> = {
    [routes.createUser.path]: { username: 'somebody', name: 'Somebody' },
    [routes.createGroup.path]: { name: 'a group' },
    [routes.addMembers.path]: { users: [{ id: stranger.id }] },
    [routes.removeMembers.path]: { users: [{ id: member.id }] },
  };
  const body = method === 'GET' ? undefined : bodies[path];
  return ask(server, method, path.replace('{id}', String(id)), {
    token,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
}

describe.each(Object.entries<Operation>(routes))('%s', (name, route) => {
  const rule = RULES[name as RouteName] ?? {};

  it('has a rule, which begins with nobody', () => {
    expect(rule).toMatchObject({ nobody: 'unauthorized', profileless: expect.any(String) });
  });

  it.each(Object.entries(rule))('answers %s with %s', async (role, verdict) => {
    const { token, id } = await enter(role, route.path);
    const answer = await request(route, id, token);
    expect(answer.status === 200 ? 'ok' : answer.body.code).toBe(verdict);
  });
});

/** Those who hear of no chat, by route. */
const BLIND = Object.entries<Operation>(routes)
  .map(([name, route]) => {
    const rule = RULES[name as RouteName] ?? {};
    const roles = Object.keys(rule).filter((role) => /^(chat|group)_not_found$/.test(rule[role] ?? ''));
    return { name, route, roles };
  })
  .filter(({ roles }) => roles.length > 0);

describe.each(BLIND)('$name tells those who may not know', ({ route, roles }) => {
  it.each(roles)('exactly what it tells of a chat that does not exist: %s', async (role) => {
    const { token, id } = await enter(role, route.path);
    const seen = await request(route, id, token);
    const none = await request(route, Number.MAX_SAFE_INTEGER, token);
    expect([seen.status, seen.text]).toEqual([404, none.text]);
    expect(headersOf(seen)).toEqual(headersOf(none));
  });
});

describe('a chat asked for as the other kind', () => {
  const grouped = Object.entries<Operation>(routes).filter(([, { path }]) => path.includes('/group/{id}'));
  it.each(grouped)('is to %s as no chat, for those who are in it', async (_name, route) => {
    const chat = await owner.chatWith(member);
    const seen = await request(route, chat, owner.token);
    const none = await request(route, Number.MAX_SAFE_INTEGER, owner.token);
    expect([seen.status, seen.text]).toEqual([404, none.text]);
  });

  it('is to getChatInfo as no chat, for the owner of the group', async () => {
    const seen = await request(routes.getChatInfo, await newGroup(), owner.token);
    const none = await request(routes.getChatInfo, Number.MAX_SAFE_INTEGER, owner.token);
    expect([seen.status, seen.text]).toEqual([404, none.text]);
  });
});

function headersOf(answer: RawAnswer): [string, string][] {
  return [...answer.headers].filter(([name]) => !['x-request-id', 'date'].includes(name));
}
