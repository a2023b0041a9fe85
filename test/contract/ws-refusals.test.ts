import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { browse, live, wsUrl } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
let alice: TestUser;
let mallory: TestUser;
let nobody: TestUser;
let chat: number;
let group: number;
let newest: number;
/** The time of the newest. */
let time: number;
beforeAll(async () => {
  server = await TestServer.start({ workers: 1 });
  alice = await server.user('Alice');
  mallory = await server.user('Mallory');
  nobody = await server.stranger('Nobody');
  const bob = await server.user('Bob');
  chat = await alice.chatWith(bob);
  group = await alice.groupWith(bob);
  const socket = await live(alice, `/chat/${chat}`);
  socket.says('the newest entry of the log');
  const said = await socket.next();
  newest = said.id;
  time = Date.parse(said.time);
});
afterAll(() => server.stop());

interface Case {
  readonly what: string;
  readonly who?: () => TestUser;
  readonly path: () => string;
  readonly status: number;
  readonly close: number;
  readonly code: string;
}

const bad = (what: string, path: () => string, code = 'invalid_query'): Case => ({
  what,
  path,
  status: 400,
  close: 4400,
  code,
});
const changed = (what: string, path: () => string): Case => ({
  what,
  path,
  status: 409,
  close: 4409,
  code: 'history_changed',
});
const missing = (what: string, path: () => string, code: string, who = () => alice): Case => ({
  what,
  path,
  who,
  status: 404,
  close: 4404,
  code,
});
const withoutProfile = (what: string, path: () => string): Case => ({
  what,
  path,
  who: () => nobody,
  status: 403,
  close: 4403,
  code: 'profile_required',
});

const cases: Case[] = [
  ...['0', '007', '-1', '1.5', 'abc', '9007199254740992', '%31'].flatMap((id) => [
    bad(`the chat id ${id}`, () => `/chat/${id}`, 'invalid_id'),
    bad(`the group id ${id}`, () => `/group/${id}`, 'invalid_id'),
  ]),
  ...[
    '',
    '-1',
    '1.5',
    'abc',
    '0x10',
    '%201',
    '01',
    '9007199254740992',
    '0@1',
    '1@',
    '@1',
    '1@0',
    '1@x',
    '1@1@1',
  ]
    .map((after) => [after, () => `/chat/${chat}?after=${after}`] as const)
    .map(([after, path]) => bad(`after=${after}`, path, 'after_unknown')),
  bad('after twice', () => `/chat/${chat}?after=1&after=1`),
  ...['limit', 'offset'].flatMap((name) => [
    ...['-1', '1.5', 'abc', '', '0x10', '1e3', '%201'].map((value) =>
      bad(`${name}=${value}`, () => `/chat/${chat}?${name}=${value}`),
    ),
    bad(`${name} of a group`, () => `/group/${group}?${name}=-1`),
    bad(`${name} twice`, () => `/chat/${chat}?${name}=1&${name}=1`),
  ]),
  bad('after with limit', () => `/chat/${chat}?after=0&limit=5`),
  bad('after with offset', () => `/group/${group}?after=0&offset=0`),
  bad('a bad after on main', () => '/main?after=abc', 'after_unknown'),
  changed('an after above the newest', () => `/chat/${chat}?after=${newest + 1}`),
  changed('an after above the newest in a group', () => `/group/${group}?after=${newest + 1}`),
  changed('an after above the newest on main', () => `/main?after=${newest + 1}`),
  changed('a huge after', () => `/chat/${chat}?after=9007199254740991`),
  changed('the newest with another time', () => `/chat/${chat}?after=${newest}@${time + 1}`),
  changed('the newest with another time in a group', () => `/group/${group}?after=${newest}@1`),
  changed('the newest with another time on main', () => `/main?after=${newest}@${time - 1}`),
  changed('an after above the newest, with a time', () => `/chat/${chat}?after=${newest + 1}@${time}`),
  missing('an unknown chat', () => '/chat/999999', 'chat_not_found'),
  missing('an unknown group', () => '/group/999999', 'group_not_found'),
  missing(
    'a stranger’s chat',
    () => `/chat/${chat}`,
    'chat_not_found',
    () => mallory,
  ),
  missing(
    'a stranger’s group',
    () => `/group/${group}`,
    'group_not_found',
    () => mallory,
  ),
  missing('a group under /chat', () => `/chat/${group}`, 'chat_not_found'),
  missing('a chat under /group', () => `/group/${chat}`, 'group_not_found'),
  withoutProfile('a chat without a profile', () => `/chat/${chat}`),
  withoutProfile('a group without a profile', () => `/group/${group}`),
  withoutProfile('main without a profile', () => '/main'),
];

describe('a refused upgrade', () => {
  it.each(cases)('is answered with $status $code for $what', async ({ who, path, status, code }) => {
    const answer = await (who?.() ?? alice).refusal(path());
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ status: 'error', code, error: expect.stringMatching(/\w/) });
  });

  it.each(cases)('closes a browser with $close for $what', async ({ who, path, close }) => {
    const socket = await browse(who?.() ?? alice, path());
    expect(socket.protocol).toBe('chat.v1');
    expect(await socket.closed()).toMatchObject({ code: close });
    expect(socket.frames).toEqual([]);
  });

  it('names the parameter that is wrong', async () => {
    const answer = await alice.refusal(`/chat/${chat}?limit=5&offset=x`);
    expect(answer.body.details).toEqual({ parameter: 'offset' });
  });

  it('does not tell a stranger whether the chat exists', async () => {
    const [hidden, unknown] = [await mallory.refusal(`/chat/${chat}`), await mallory.refusal('/chat/999999')];
    expect(hidden.body).toEqual(unknown.body);
  });

  it('closes every one of many browsers with its code, none with 1006', async () => {
    const refused = async (protocols: string[], path: string) => {
      const socket = await TestSocket.open(wsUrl(alice, path), {}, ['chat.v1', ...protocols]);
      return (await socket.closed()).code;
    };
    const codes = await Promise.all(
      Array.from({ length: 100 }, (_, n) => [
        refused([`bearer.not.a.token${n}`], `/chat/${chat}`),
        refused([`bearer.${mallory.token}`], `/chat/${chat}`),
      ]).flat(),
    );
    expect(codes.filter((code) => code === 4401)).toHaveLength(100);
    expect(codes.filter((code) => code === 4404)).toHaveLength(100);
  });

  it('leaves the server as it was: the next good one is accepted', async () => {
    expect((await (await alice.connect(`/chat/${chat}`)).nextOf('history')).messages).toHaveLength(1);
  });
});
