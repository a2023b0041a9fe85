import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { live } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import { expectRefusal, join, type StrictUser, stopUnharmed } from '../support/strict.js';

let server: TestServer;
let alice: StrictUser;
let bob: StrictUser;
let stranger: StrictUser;
let path: string;
let id: number;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob, stranger] = [
    await join(server, 'Alice'),
    await join(server, 'Bob'),
    await join(server, 'Eve'),
  ];
});
beforeEach(async () => {
  path = `/group/${await alice.groupWith(bob)}`;
  id = (await alice.post(`${path}/message`, { text: 'Lunch?' })).body.message.id;
});
afterAll(() => stopUnharmed(server));

const to = (emoji: string) => `/message/${id}/reaction/${encodeURIComponent(emoji)}`;
const reactionsIn = async (user: StrictUser) => (await user.get(`/message/${id}`)).body.reactions;

describe('a reaction', () => {
  it('is there once for a user and an emoji, and everybody sees it as their own or not', async () => {
    const socket = await live(alice, `${path}?features=1`);
    for (let times = 0; times < 2; times++) {
      const { status, body } = await bob.put(to('👍'));
      expect([status, body]).toEqual([
        200,
        { status: 'ok', reactions: [{ emoji: '👍', count: 1, me: true }] },
      ]);
    }
    expect(await socket.nextOf('reaction')).toMatchObject({
      message_id: id,
      emoji: '👍',
      count: 1,
      on: true,
    });
    expect(await reactionsIn(alice)).toEqual([{ emoji: '👍', count: 1, me: false }]);
    expect((await alice.put(to('🎉'))).body.reactions).toEqual([
      { emoji: '👍', count: 1, me: false },
      { emoji: '🎉', count: 1, me: true },
    ]);
    expect((await alice.put(to('👍'))).body.reactions[0]).toEqual({ emoji: '👍', count: 2, me: true });
    expect(await reactionsIn(bob)).toEqual([
      { emoji: '👍', count: 2, me: true },
      { emoji: '🎉', count: 1, me: false },
    ]);
    await socket.close();
  });

  it('can be taken back, again and again', async () => {
    await alice.put(to('👍'));
    await bob.put(to('👍'));
    for (let times = 0; times < 2; times++)
      expect((await bob.delete(to('👍'))).body).toEqual({
        status: 'ok',
        reactions: [{ emoji: '👍', count: 1, me: false }],
      });
    expect((await alice.delete(to('👍'))).body).toEqual({ status: 'ok', reactions: [] });
    expect(await reactionsIn(alice)).toBeUndefined();
  });

  it.each(['❤️', '👨‍👩‍👧‍👦', '🏴󠁧󠁢󠁷󠁬󠁳󠁿', '👍🏽', '1️⃣', '🇩🇪'])('may be %s', async (emoji) => {
    const reactions = [{ emoji, count: 1, me: true }];
    expect((await alice.put(to(emoji))).body.reactions).toEqual(reactions);
    expect(await reactionsIn(alice)).toEqual(reactions);
    expect((await alice.get(to(emoji))).body.count).toBe(1);
  });

  it('is the same with and without the selector of the colourful form', async () => {
    await alice.put(to('❤'));
    expect((await bob.put(to('❤️'))).body.reactions).toEqual([{ emoji: '❤️', count: 2, me: true }]);
    expect((await bob.get(to('❤'))).body.count).toBe(2);
  });

  it.each([
    'a',
    '1',
    '👍👍',
    '👍 ',
    ' ',
    '\u200d',
    '🇩',
    '\0',
    '"',
    'x'.repeat(3000),
    '👍'.repeat(300),
  ])('may not be %j', async (emoji) => {
    for (const method of ['PUT', 'DELETE', 'GET'])
      expectRefusal(await alice.send(method, to(emoji)), 400, 'invalid_field', { field: 'emoji' });
  });

  it.each([
    '%',
    '%zz',
    '%F0%9F%91',
    '%C0%80',
    '%ED%A0%BD',
    '%25F0%259F%2591%258D',
    '+',
  ])('may not be %s, which encodes no emoji', async (text) => {
    const answer = await alice.put(`/message/${id}/reaction/${text}`);
    expectRefusal(answer, 400, 'invalid_field', { field: 'emoji' });
  });

  it('is one of twenty emoji at most', async () => {
    const emoji = [...'😀😁😂🤣😃😄😅😆😉😊😋😎😍😘🥰😗😙😚🙂🤗'];
    expect(emoji).toHaveLength(20);
    for (const one of emoji) expect((await alice.put(to(one))).status).toBe(200);
    expectRefusal(await bob.put(to('🤩')), 400, 'too_many_reactions', { max: 20 });
    expect((await bob.put(to('😀'))).body.reactions).toHaveLength(20);
  });

  it('is for those who are in the chat, and to a message that is there', async () => {
    for (const method of ['PUT', 'DELETE', 'GET']) {
      expectRefusal(await stranger.send(method, to('👍')), 404, 'message_not_found');
      const nowhere = `/message/${Number.MAX_SAFE_INTEGER}/reaction/${encodeURIComponent('👍')}`;
      expectRefusal(await alice.send(method, nowhere), 404, 'message_not_found');
    }
    await alice.put(to('👍'));
    await alice.delete(`/message/${id}`);
    for (const method of ['PUT', 'DELETE', 'GET'])
      expectRefusal(await alice.send(method, to('👍')), 404, 'message_not_found');
  });
});

describe('who reacted', () => {
  it('is a list in the order of ids, by page', async () => {
    const crowd = await Promise.all(Array.from({ length: 5 }, (_, n) => join(server, `Guest ${n}`)));
    await alice.post(`${path}/add`, { users: crowd.map((user) => ({ id: user.id })) });
    for (const user of [...crowd].reverse()) await user.put(to('🎉'));
    await alice.put(to('👍'));
    const all = [...crowd].sort((a, b) => a.id - b.id).map(({ id: user, name }) => ({ id: user, name }));
    const page = async (query: string) => (await bob.get(`${to('🎉')}${query}`)).body;
    expect(await page('')).toEqual({ users: all, count: 5 });
    expect(await page('?limit=2')).toEqual({ users: all.slice(0, 2), count: 5 });
    expect(await page('?limit=2&offset=2')).toEqual({ users: all.slice(2, 4), count: 5 });
    expect(await page('?offset=4&limit=9007199254740993')).toEqual({ users: all.slice(4), count: 5 });
    expect(await page('?offset=5')).toEqual({ users: [], count: 5 });
    expect(await page('?limit=0')).toEqual({ users: [], count: 5 });
    expect(await page('?offset=9007199254740993')).toEqual({ users: [], count: 5 });
    expect((await bob.get(to('🤔'))).body).toEqual({ users: [], count: 0 });
    for (const query of ['?limit=-1', '?offset=x', '?limit=', '?limit=1&limit=2'])
      expectRefusal(await bob.get(`${to('🎉')}${query}`), 400, 'invalid_query');
  });

  it('shows the names of today', async () => {
    await bob.put(to('👍'));
    await bob.patch('/user', { name: 'Robert' });
    expect((await alice.get(to('👍'))).body.users).toEqual([{ id: bob.id, name: 'Robert' }]);
    await bob.patch('/user', { name: 'Bob' });
  });
});
