import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { at, numbered, wsUrl } from '../support/chat.js';
import { next, nextAmong, openMain } from '../support/main.js';
import { TestServer } from '../support/server.js';
import { type Frame, TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

/** A chat with more entries than this since the cursor is sent as its newest page. */
const ENTRIES_MAX = 200;
const NEWEST_PAGE = 50;

let server: TestServer;
let dataDir: string;
let alice: TestUser;
let bob: TestUser;
let group: number;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'parley-test-'));
  await start();
});
beforeEach(async () => {
  [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
  group = await alice.groupWith(bob);
});
afterAll(async () => {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function start(): Promise<void> {
  server = await TestServer.start({
    workers: 2,
    dataDir,
    env: { MESSAGES_PER_SECOND_PER_USER_MAX: '0', REQUESTS_PER_SECOND_PER_USER_MAX: '0' },
  });
}

async function restart(): Promise<void> {
  expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null });
  await start();
  [alice, bob] = [at(server, alice), at(server, bob)];
}

/** Says all of it in the group, and gives what it became. */
async function say(...texts: string[]): Promise<Frame[]> {
  const { socket } = await openMain(alice);
  for (const text of texts) socket.send({ type: 'message', chat_id: group, text });
  const said: Frame[] = [];
  while (said.length < texts.length) said.push(await next(socket, 'message'));
  await socket.close();
  return said;
}

const textsOf = (changes: Frame[]) => changes.map(({ text }) => text);
const typesOf = (changes: Frame[]) => changes.map(({ type }) => type);

describe('a main socket resumes', () => {
  it('after the cursor of its last page, with what it missed of all chats, in the order of the log', async () => {
    const chat = await bob.chatWith(alice);
    const { socket, cursor } = await openMain(bob);
    await socket.close();
    await say('a');
    await alice.send('POST', `/chat/${chat}/message`, { text: 'b' });
    await say('c');
    const resumed = await openMain(bob, cursor);
    expect(textsOf(resumed.changes)).toEqual(['a', 'b', 'c']);
    expect(resumed.unread.total_unread).toBe(3);
    await say('d');
    expect((await next(resumed.socket, 'message')).text).toBe('d');
  });

  it('after a cursor that it was sent live', async () => {
    const { socket, cursor: first } = await openMain(bob);
    await say('seen');
    await next(socket, 'message');
    const { cursor } = await nextAmong(socket, 'cursor');
    expect(cursor).not.toBe(first);
    socket.terminate();
    await say('missed');
    expect(textsOf((await openMain(bob, cursor)).changes)).toEqual(['missed']);
  });

  it('after 0 with every chat as one that is new', async () => {
    await say(...numbered('m', NEWEST_PAGE + 1));
    const chat = await alice.chatWith(bob);
    const { changes } = await openMain(bob, '0');
    expect(changes).toMatchObject([
      { type: 'added', initial: true, chat: { id: group, unread: NEWEST_PAGE + 1 }, more: true },
      { type: 'added', initial: true, chat: { id: chat, name: 'Alice' }, messages: [], more: false },
    ]);
    expect(changes[0].messages).toHaveLength(NEWEST_PAGE);
  });

  it('over a restart, without loss or repeat', async () => {
    const { socket, cursor } = await openMain(bob);
    const before = await say('before');
    const ended = restart();
    expect(await socket.closed()).toMatchObject({ code: 1012 });
    await ended;
    const after = await say('after');
    const resumed = await openMain(bob, cursor);
    expect(resumed.changes.map(({ id }) => id)).toEqual([...before, ...after].map(({ id }) => id));
    expect((await openMain(bob, resumed.cursor)).changes).toEqual([]);
  });

  it('with each message that changed once, as it is now', async () => {
    const [one, two, three] = await say('one', 'two', 'three');
    const { cursor } = await openMain(bob);
    const path = (frame: Frame) => `/message/${frame.id}`;
    for (const text of ['one!', 'one!!']) await alice.send('PATCH', path(one), { text });
    await alice.send('PATCH', path(two), { text: 'two!' });
    await alice.send('DELETE', path(two));
    await bob.send('PUT', `${path(three)}/reaction/${encodeURIComponent('👍')}`);
    const [four] = await say('four');
    await alice.send('PATCH', path(four), { text: 'four!' });
    const { changes } = await openMain(bob, cursor);
    expect(changes).toMatchObject([
      { type: 'edited', message_id: one.id, text: 'one!!', version: 3, reactions: [] },
      { type: 'deleted', message_id: two.id },
      { type: 'reactions', message_id: three.id, reactions: [{ emoji: '👍', count: 1, me: true }] },
      { type: 'message', id: four.id, text: 'four!', version: 2 },
    ]);
    const ids = changes.map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  it('with all of a chat up to 200 entries, and beyond that with its newest page', async () => {
    const [old] = await say('old');
    const { cursor } = await openMain(bob);
    const said = await say(...numbered('m', ENTRIES_MAX));
    expect(textsOf((await openMain(bob, cursor)).changes)).toEqual(textsOf(said));
    await alice.send('PATCH', `/message/${old.id}`, { text: 'edited' });
    const [limited, ...others] = (await openMain(bob, cursor)).changes;
    expect(others).toEqual([]);
    expect(limited).toMatchObject({ type: 'limited', chat_id: group, chat: { unread: ENTRIES_MAX + 1 } });
    expect(textsOf(limited.messages)).toEqual(textsOf(said.slice(-NEWEST_PAGE)));
    expect(limited.before).toBe(limited.messages[0].id);
  });

  it('with what became of its chats: removed, deleted, joined again, renamed', async () => {
    const groups: number[] = [];
    for (let n = 0; n < 3; n++) groups.push(await alice.groupWith(bob));
    const [left = 0, deleted = 0, again = 0] = groups;
    const { socket, cursor } = await openMain(bob);
    await socket.close();
    await alice.send('DELETE', `/group/${left}/delete`, { users: [{ id: bob.id }] });
    await alice.send('POST', `/group/${left}/message`, { text: 'not for bob' });
    await alice.send('DELETE', `/group/${deleted}`);
    await alice.send('DELETE', `/group/${again}/delete`, { users: [{ id: bob.id }] });
    await alice.send('POST', `/group/${again}/message`, { text: 'while bob was away' });
    await alice.send('POST', `/group/${again}/add`, { users: [{ id: bob.id }] });
    await alice.send('PATCH', `/group/${group}`, { name: 'renamed' });
    const { changes } = await openMain(bob, cursor);
    expect(typesOf(changes)).toEqual(['removed', 'removed', 'added', 'chat']);
    expect(changes).toMatchObject([
      { chat_id: left },
      { chat_id: deleted },
      { chat: { id: again, unread: 0 }, messages: [{ text: 'while bob was away' }] },
      { chat: { id: group, name: 'renamed' } },
    ]);
  });

  it('in pages, each with a cursor to resume at', async () => {
    const groups: number[] = [];
    for (let n = 0; n < 3; n++) groups.push(await alice.groupWith(bob));
    const { socket, cursor } = await openMain(bob);
    await socket.close();
    const mine = await openMain(alice);
    for (const chat of groups) {
      for (let n = 0; n < ENTRIES_MAX; n++)
        mine.socket.send({ type: 'message', chat_id: chat, text: `${chat} ${n}` });
    }
    const said: number[] = [];
    while (said.length < groups.length * ENTRIES_MAX) said.push((await next(mine.socket, 'message')).id);
    const paged = await bob.connect(`/main?features=1&after=${cursor}`);
    const first = await next(paged, 'changes');
    expect(first.more).toBe(true);
    paged.terminate();
    const rest = await openMain(bob, first.cursor);
    expect([...first.changes, ...rest.changes].map(({ id }) => id)).toEqual(said);
  });
});

describe('a cursor', () => {
  const refused = (query: string) =>
    TestSocket.refused(wsUrl(alice, `/main?features=1&${query}`), {
      headers: { authorization: `Bearer ${alice.token}` },
    });

  it.each([
    'c1-',
    'c1-zz-!',
    'c2-1',
    'x',
    '-1',
    'c1-zzzzzzzzzzzz',
  ])('that the server did not make is refused: %s', async (cursor) => {
    expect(await refused(`after=${cursor}`)).toMatchObject({ status: 400, body: { code: 'after_unknown' } });
  });

  it('of another history is refused, to browsers as well', async () => {
    const { cursor } = await openMain(alice);
    const [id = '', time = ''] = cursor.slice('c1-'.length).split('-');
    const another = `c1-${id}-${(Number.parseInt(time, 36) + 1).toString(36)}`;
    const beyond = `c1-${(Number.parseInt(id, 36) + 1_000_000).toString(36)}`;
    for (const after of [another, beyond])
      expect(await refused(`after=${after}`)).toMatchObject({
        status: 409,
        body: { code: 'history_changed' },
      });
    const browser = await TestSocket.open(wsUrl(alice, `/main?after=${another}`), {}, [
      'chat.v2',
      `bearer.${alice.token}`,
    ]);
    expect(await browser.closed()).toEqual({ code: 4409, reason: 'history_changed' });
  });

  it('does not go together with limit or offset', async () => {
    for (const more of ['limit=1', 'offset=1'])
      expect(await refused(`after=0&${more}`)).toMatchObject({
        status: 400,
        body: { code: 'invalid_query' },
      });
  });

  it('may be one of a chat’s socket', async () => {
    const [{ id, time }] = (await say('a')) as [Frame];
    await say('b');
    expect(textsOf((await openMain(bob, `${id}@${Date.parse(time)}`)).changes)).toEqual(['b']);
  });
});

describe('a main socket whose client looks at a chat', () => {
  it('is told who types there, and at no other chat', async () => {
    const other = await alice.groupWith(bob);
    const [hers, his] = [await openMain(alice), await openMain(bob)];
    his.socket.send({ type: 'history', chat_id: group, limit: 0 });
    await next(his.socket, 'history');
    hers.socket.send({ type: 'typing', chat_id: other });
    hers.socket.send({ type: 'typing', chat_id: group });
    expect(await next(his.socket, 'typing')).toMatchObject({ chat_id: group, author: { id: alice.id } });
    hers.socket.send({ type: 'stop_typing', chat_id: group });
    expect(await next(his.socket, 'stop_typing')).toMatchObject({ chat_id: group });
  });

  it('is told how far others have read', async () => {
    const [hers, his] = [await openMain(alice), await openMain(bob)];
    hers.socket.send({ type: 'message', chat_id: group, text: 'read this' });
    const { id } = await next(hers.socket, 'message');
    hers.socket.send({ type: 'history', chat_id: group });
    await next(hers.socket, 'history');
    his.socket.send({ type: 'read', chat_id: group, id });
    const seen = await next(hers.socket, 'seen');
    expect(JSON.stringify(seen)).toContain(`${bob.id}`);
    expect(seen.chat_id).toBe(group);
  });

  it('is told of none of that after the user was removed', async () => {
    const carol = await server.user('Carol');
    await alice.send('POST', `/group/${group}/add`, { users: [{ id: carol.id }] });
    const his = await openMain(bob);
    const theirs = await openMain(carol);
    for (const { socket } of [his, theirs]) {
      socket.send({ type: 'history', chat_id: group, limit: 0 });
      await next(socket, 'history');
    }
    await alice.send('DELETE', `/group/${group}/delete`, { users: [{ id: bob.id }] });
    await next(his.socket, 'removed');
    const { socket } = await openMain(alice);
    socket.send({ type: 'typing', chat_id: group });
    await nextAmong(theirs.socket, 'typing');
    his.socket.send({ type: 'ping', id: 'last' });
    await next(his.socket, 'pong');
  });

  it('takes typing back when it closes', async () => {
    const [hers, his] = [await openMain(alice), await openMain(bob)];
    his.socket.send({ type: 'history', chat_id: group, limit: 0 });
    await next(his.socket, 'history');
    hers.socket.send({ type: 'typing', chat_id: group });
    await next(his.socket, 'typing');
    hers.socket.terminate();
    expect(await next(his.socket, 'stop_typing')).toMatchObject({ author: { id: alice.id } });
  });
});

it('a main socket that is added to a chat twice at once catches up, and misses nothing in between', async () => {
  const his = await openMain(bob);
  const made = await Promise.all(Array.from({ length: 8 }, () => alice.groupWith(bob)));
  await Promise.all(made.map((id) => alice.send('POST', `/group/${id}/message`, { text: `in ${id}` })));
  const [fence] = (await say('fence')) as [Frame];
  const told: Frame[] = [];
  const kept = (frame: Frame): void => {
    if (frame.type === 'changes') for (const change of frame.changes) kept(change);
    else if (frame.type === 'added') told.push(...frame.messages);
    else if (frame.type === 'message') told.push(frame);
  };
  while (!told.some(({ id }) => id === fence.id)) kept(await his.socket.next());
  expect(textsOf(told).toSorted()).toEqual([...made.map((id) => `in ${id}`), 'fence'].toSorted());
});
