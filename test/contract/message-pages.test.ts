import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { live } from '../support/chat.js';
import { timed } from '../support/measure.js';
import { TestServer } from '../support/server.js';
import type { Frame } from '../support/socket.js';
import { expectRefusal, join, type StrictUser, stopUnharmed } from '../support/strict.js';
import type { Answer } from '../support/user.js';

/** Enough for several pages of the default. */
const MESSAGES = 230;

let server: TestServer;
let alice: StrictUser;
let bob: StrictUser;
let stranger: StrictUser;
let chat: number;
let group: number;
let path: string;
/** What the group's history is in the end, oldest first. */
let all: readonly Frame[];
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob, stranger] = [
    await join(server, 'Alice'),
    await join(server, 'Bob'),
    await join(server, 'Eve'),
  ];
  [chat, group] = [await alice.chatWith(bob), await alice.groupWith(bob)];
  path = `/group/${group}/messages`;
  const ids: number[] = [];
  for (let n = 0; n < MESSAGES; n++) {
    const user = n % 3 === 0 ? bob : alice;
    const reply = n % 10 === 9 ? { reply_to: ids[n - 1] } : {};
    ids.push((await user.post(`/group/${group}/message`, { text: `number ${n}`, ...reply })).body.message.id);
  }
  for (const n of [8, 50, MESSAGES - 1]) await (n % 3 === 0 ? bob : alice).delete(`/message/${ids[n]}`);
  for (const n of [18, 51])
    await (n % 3 === 0 ? bob : alice).patch(`/message/${ids[n]}`, { text: `edited ${n}` });
  for (const n of [3, 51, MESSAGES - 2]) {
    await alice.put(`/message/${ids[n]}/reaction/${encodeURIComponent('👍')}`);
    if (n !== 3) await bob.put(`/message/${ids[n]}/reaction/${encodeURIComponent('👍')}`);
  }
  const socket = await alice.connect(`/group/${group}?features=1&limit=1000`);
  all = (await socket.nextOf('history')).messages;
  await socket.close();
});
afterAll(() => stopUnharmed(server));

const page = async (query: string, user = alice): Promise<Answer['body']> =>
  (await user.get(`${path}${query}`)).body;
const idAt = (index: number): number => all.at(index)?.id;
/** The page that has these of all messages. */
const slice = (from: number, to = all.length) => ({
  messages: all.slice(from, to),
  more_before: from > 0,
  more_after: to < all.length,
});

it('the history has everything', () => {
  expect(all).toHaveLength(MESSAGES);
  expect(all.filter(({ deleted }) => deleted)).toHaveLength(3);
});

describe('a page', () => {
  it('is of the newest messages when nothing is said, up to a hundred', async () => {
    expect(await page('')).toEqual(slice(MESSAGES - 100));
    expect(await page('?limit=7')).toEqual(slice(MESSAGES - 7));
    expect(await page('?limit=1000')).toEqual(slice(0));
    expect(await page('?limit=9007199254740993')).toEqual(slice(0));
    expect(await page(`?limit=${MESSAGES}`)).toEqual(slice(0));
    expect(await page(`?limit=${MESSAGES - 1}`)).toEqual(slice(1));
  });

  it('before an id has the newest of what comes before it', async () => {
    expect(await page(`?before=${idAt(120)}`)).toEqual(slice(20, 120));
    expect(await page(`?before=${idAt(5)}`)).toEqual(slice(0, 5));
    expect(await page(`?before=${idAt(120)}&limit=3`)).toEqual(slice(117, 120));
    expect(await page(`?before=${idAt(0)}`)).toEqual(slice(0, 0));
    expect(await page(`?before=${idAt(-1) + 1}&limit=2`)).toEqual(slice(MESSAGES - 2));
  });

  it('after an id has the oldest of what comes after it', async () => {
    expect(await page(`?after=${idAt(20)}`)).toEqual(slice(21, 121));
    expect(await page(`?after=${idAt(-6)}`)).toEqual(slice(MESSAGES - 5));
    expect(await page(`?after=${idAt(20)}&limit=3`)).toEqual(slice(21, 24));
    expect(await page('?after=0&limit=2')).toEqual(slice(0, 2));
    expect(await page(`?after=${idAt(-1)}`)).toEqual(slice(MESSAGES));
  });

  it('around an id has half before it, and the message with half after it', async () => {
    expect(await page(`?around=${idAt(110)}`)).toEqual(slice(60, 160));
    expect(await page(`?around=${idAt(110)}&limit=1`)).toEqual(slice(110, 111));
    expect(await page(`?around=${idAt(110)}&limit=2`)).toEqual(slice(109, 111));
    expect(await page(`?around=${idAt(110)}&limit=3`)).toEqual(slice(109, 111 + 1));
    expect(await page(`?around=${idAt(50)}&limit=5`)).toEqual(slice(48, 53));
    expect(await page(`?around=${idAt(2)}&limit=10`)).toEqual(slice(0, 7));
    expect(await page(`?around=${idAt(-1)}&limit=10`)).toEqual(slice(MESSAGES - 6));
  });

  it('at an id that is no message is at its place in the order', async () => {
    const other = (await alice.post(`/chat/${chat}/message`, { text: 'elsewhere' })).body.message.id;
    expect(other).toBeGreaterThan(idAt(-1));
    for (const id of [other, Number.MAX_SAFE_INTEGER]) {
      expect(await page(`?before=${id}&limit=2`)).toEqual(slice(MESSAGES - 2));
      expect(await page(`?after=${id}&limit=2`)).toEqual(slice(MESSAGES));
      expect(await page(`?around=${id}&limit=4`)).toEqual(slice(MESSAGES - 2));
    }
    expect(await page('?before=0')).toEqual(slice(0, 0));
    expect(await page('?around=0&limit=4')).toEqual(slice(0, 2));
  });

  it('of no rows says what is on both sides of it', async () => {
    expect(await page('?limit=0')).toEqual(slice(MESSAGES));
    expect(await page(`?before=${idAt(9)}&limit=0`)).toEqual(slice(9, 9));
    expect(await page(`?after=${idAt(9)}&limit=0`)).toEqual(slice(10, 10));
    expect(await page(`?around=${idAt(9)}&limit=0`)).toEqual(slice(9, 9));
  });

  it("marks the reader's own reactions", async () => {
    const reactions = (count: number, me: boolean) => [{ emoji: '👍', count, me }];
    const of = async (user: StrictUser, index: number) =>
      (await page(`?around=${idAt(index)}&limit=1`, user)).messages[0].reactions;
    expect(await of(alice, 3)).toEqual(reactions(1, true));
    expect(await of(bob, 3)).toEqual(reactions(1, false));
    expect(await of(bob, 51)).toEqual(reactions(2, true));
  });

  it.each([
    'before',
    'after',
  ])('leads to the next by %s, so that a walk gives every message once', async (side) => {
    for (const limit of [1, 7, 64, 100, 229]) {
      const walked: Frame[] = [];
      let query = side === 'before' ? '' : '&after=0';
      for (;;) {
        const { messages, more_before, more_after } = await page(`?limit=${limit}${query}`);
        if (side === 'before') walked.unshift(...messages);
        else walked.push(...messages);
        if (!(side === 'before' ? more_before : more_after)) break;
        query = `&${side}=${side === 'before' ? messages[0].id : messages.at(-1).id}`;
      }
      expect(walked).toEqual(all);
    }
  });

  it('of a chat without messages is empty', async () => {
    const empty = await alice.groupWith(bob);
    for (const query of ['', '?after=0', '?around=1', '?before=1&limit=0'])
      expect((await alice.get(`/group/${empty}/messages${query}`)).body).toEqual({
        messages: [],
        more_before: false,
        more_after: false,
      });
  });

  it('is of a private chat too, and of nothing else under its path', async () => {
    await bob.post(`/chat/${chat}/message`, { text: 'hi' });
    expect((await alice.get(`/chat/${chat}/messages?limit=1`)).body.messages).toMatchObject([{ text: 'hi' }]);
    expectRefusal(await alice.get(`/group/${chat}/messages`), 404, 'group_not_found');
    expectRefusal(await alice.get(`/chat/${group}/messages`), 404, 'chat_not_found');
    expectRefusal(await stranger.get(path), 404, 'group_not_found');
    expectRefusal(await stranger.get(`/chat/${chat}/messages`), 404, 'chat_not_found');
  });
});

describe('a query of a page', () => {
  it.each([
    ['before=1&after=1', 'after'],
    ['after=1&around=1', 'around'],
    ['around=1&before=0', 'around'],
    ['before=-1', 'before'],
    ['after=', 'after'],
    ['around=x', 'around'],
    ['before=1.5', 'before'],
    ['after=1&after=1', 'after'],
    ['limit=-1', 'limit'],
    ['limit=ten', 'limit'],
  ])('with %s is refused for its %s', async (query, parameter) => {
    expectRefusal(await alice.get(`${path}?${query}`), 400, 'invalid_query', { parameter });
  });
});

describe('long messages', () => {
  it('end a page at 256 KiB, which says that there are more', async () => {
    const long = await alice.groupWith(bob);
    const ids: number[] = [];
    for (let n = 0; n < 40; n++)
      ids.push(
        (await alice.post(`/group/${long}/message`, { text: `${'😀'.repeat(4000)}` })).body.message.id,
      );
    const read = async (query: string) => {
      const answer = await alice.get(`/group/${long}/messages?${query}`);
      expect(Buffer.byteLength(JSON.stringify(answer.body))).toBeLessThanOrEqual(256 * 1024);
      const { messages, more_before, more_after } = answer.body;
      return { ids: messages.map(({ id }: Frame) => id), more_before, more_after };
    };
    const newest = await read('limit=40');
    expect(newest.ids.length).toBeGreaterThan(10);
    expect(newest).toEqual({ ids: ids.slice(-newest.ids.length), more_before: true, more_after: false });
    const oldest = await read('limit=40&after=0');
    expect(oldest).toEqual({ ids: ids.slice(0, oldest.ids.length), more_before: false, more_after: true });
    const middle = await read(`limit=40&around=${ids[20]}`);
    const from = ids.indexOf(middle.ids[0]);
    expect(middle).toEqual({
      ids: ids.slice(from, from + middle.ids.length),
      more_before: true,
      more_after: true,
    });
    expect(middle.ids.length).toBeGreaterThan(10);
    const before = middle.ids.indexOf(ids[20]);
    expect(Math.abs(middle.ids.length - 1 - 2 * before)).toBeLessThanOrEqual(1);
  });
});

describe('long pages', () => {
  it('count as more requests', async () => {
    const own = await TestServer.start({ workers: 1, env: { REQUESTS_PER_SECOND_PER_USER_MAX: '20' } });
    const [ann, ben] = [await join(own, 'Ann'), await join(own, 'Ben')];
    const path = `/chat/${await ann.chatWith(ben)}`;
    const socket = await live(ann, path);
    for (let n = 0; n < 600; n++) socket.says(`number ${n}`);
    for (let n = 0; n < 600; n++) await socket.nextOf('message');
    await socket.close();
    const { done: answers, seconds } = await timed(() =>
      Promise.all(Array.from({ length: 40 }, () => ben.get(`${path}/messages?limit=600`))),
    );
    const refused = answers.filter(({ status }) => status !== 200);
    for (const answer of refused) expectRefusal(answer, 429, 'rate_limited');
    // Each is one, and six.
    expect(answers.length - refused.length).toBeLessThanOrEqual(1 + (20 + 20 * seconds) / 7);
    expect(refused.length).toBeLessThan(answers.length);
    await stopUnharmed(own);
  });
});
