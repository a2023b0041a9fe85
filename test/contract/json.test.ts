import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bombs } from '../support/bombs.js';
import { historyOf, live, textOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import {
  ask,
  expectRefusal,
  join,
  type RawAnswer,
  type StrictUser,
  stopUnharmed,
} from '../support/strict.js';

let server: TestServer;
let alice: StrictUser;
let bob: StrictUser;
let path: string;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob] = [await join(server, 'Alice'), await join(server, 'Bob')];
  path = `/chat/${await alice.chatWith(bob)}`;
});
afterAll(() => stopUnharmed(server));

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** Members of an object of which no member's value may be taken. */
const REFUSED = [
  { what: 'a key twice', members: '"name":"a","type":"message","text":"a","name":"b"' },
  { what: 'a key twice, once escaped', members: '"name":"a","type":"message","text":"a","\\u0074ext":"b"' },
  { what: 'a key twice further in', members: '"name":"a","type":"message","text":"a","x":[{"y":1,"y":1}]' },
  { what: '33 levels', members: `"name":"a","type":"message","text":"a","x":${nested(32)}` },
  { what: 'a raw NUL', members: '"name":"a","type":"message","text":"a\u0000"' },
] as const;
/** Taken, and of no effect beyond the members that are known. */
const TAKEN = [
  { what: '32 levels', members: `"x":${nested(31)}` },
  { what: '__proto__', members: '"__proto__":{"text":"p","name":"p","description":"p","client_id":"p"}' },
  { what: 'constructor', members: '"constructor":{"prototype":{"text":"p","description":"p"}}' },
] as const;

const postJson = (body: string): Promise<RawAnswer> =>
  ask(server, 'POST', '/api/v1/group', {
    token: alice.token,
    headers: { 'content-type': 'application/json' },
    body,
  });

function postMultipart(body: string): Promise<RawAnswer> {
  const form = new FormData();
  form.set('json', body);
  return ask(server, 'POST', '/api/v1/group', { token: alice.token, body: form });
}

describe.each([
  { kind: 'a body', post: postJson },
  { kind: 'the part json', post: postMultipart },
])('$kind', ({ post }) => {
  it.each(REFUSED)('with $what is 400', async ({ members }) => {
    expectRefusal(await post(`{${members}}`), 400, 'invalid_json');
  });

  it.each(TAKEN)('with $what is taken', async ({ members }) => {
    for (const json of [`{${members},"name":"good"}`, `{"name":"good",${members}}`]) {
      const answer = await post(json);
      expect(answer.status).toBe(200);
      const { name, description } = (await alice.get(`/group/${answer.body.group.id}/info`)).body;
      expect([name, description]).toEqual(['good', '']);
      expectRefusal(await post(json.replace('"name":"good"', '"good":1')), 400, 'invalid_field', {
        field: 'name',
      });
    }
  });
});

describe('a frame', () => {
  it.each(REFUSED)('with $what is no frame, which counts, and nothing is stored', async ({ members }) => {
    const [hers, his] = [await live(alice, path), await live(bob, path)];
    const before = (await historyOf(bob, path)).length;
    for (let n = 0; n < 10; n++) hers.send(`{${members},"client_id":"x"}`);
    for (let n = 0; n < 10; n++)
      expect(await hers.next()).toMatchObject({ type: 'error', code: 'invalid_frame' });
    expect(await hers.closed()).toMatchObject({ code: 1008 });
    his.says(`after ${members.length}`);
    await his.hears(`after ${members.length}`);
    expect(await historyOf(bob, path)).toHaveLength(before + 1);
  });

  it.each(TAKEN)('with $what is taken', async ({ what, members }) => {
    const socket = await live(alice, path);
    socket.send(`{${members},"type":"message","text":"with ${what}"}`);
    expect(await socket.hears(`with ${what}`)).not.toHaveProperty('client_id');
    socket.send(`{"type":"message",${members}}`);
    expect(await socket.next()).toMatchObject({ type: 'error', code: 'invalid_field' });
  });

  it.each([
    ['text', '"text":"a\\u0000b"'],
    ['text', '"text":"a\\ud83d"'],
    ['text', '"text":"\\ude00\\ud83d"'],
    ['client_id', '"text":"a","client_id":"\\u0000"'],
    ['client_id', '"text":"a","client_id":"\\udc00"'],
  ])('whose %s is %s is refused', async (field, members) => {
    const socket = await live(alice, path);
    socket.send(`{"type":"message",${members}}`);
    expect(await socket.next()).toMatchObject({ code: 'invalid_field', details: { field } });
    socket.says('marker');
    await socket.hears('marker');
    expect((await historyOf(bob, path)).map(textOf).filter((text) => !text.isWellFormed())).toEqual([]);
  });
});

describe('1 MiB of JSON', () => {
  it.each(Object.entries(bombs))('of %s is refused', async (_what, text) => {
    const answer = await postJson(text);
    expect(['invalid_json', 'invalid_field']).toContain(answer.body.code);
    expect(answer.status).toBe(400);
  });

  it('of 10,000 users with their names is read', async () => {
    const users = Array.from({ length: 10_000 }, (_, n) => ({ id: 10_000_000 + n, name: 'n'.repeat(70) }));
    expectRefusal(await postJson(JSON.stringify({ name: 'many', users })), 400, 'user_unknown');
  });
});
