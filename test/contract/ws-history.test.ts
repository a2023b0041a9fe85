import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HISTORY_BYTES_MAX, HistoryFrame } from '../../src/api/frames.js';
import { historyOf, live, NO_MESSAGES, numbered, saysAll, textOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

const TEXT_CHARACTERS_MAX = 8192;

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  server = await TestServer.start({
    workers: 2,
    env: { TEXT_CHARACTERS_MAX: String(TEXT_CHARACTERS_MAX) },
  });
  alice = await server.user('Alice');
  bob = await server.user('Bob');
});
afterAll(() => server.stop());

/** A new group of both, with these messages of Alice in it. */
async function groupWith(texts: readonly string[]): Promise<string> {
  const path = `/group/${await alice.groupWith(bob)}`;
  const socket = await live(alice, path);
  await saysAll(socket, texts);
  await socket.close();
  return path;
}

async function firstFrame(path: string): Promise<Frame> {
  const socket = await bob.connect(path);
  const frame = await socket.nextOf('history');
  await socket.close();
  return frame;
}

const textsOf = (frame: Frame): string[] => frame.messages.map(textOf);

describe('the history of a chat', () => {
  const texts = numbered('message', 120);
  let path: string;
  beforeAll(async () => {
    path = await groupWith(texts);
  });

  it('is the first frame, and the only one unless somebody speaks', async () => {
    const reader = await bob.connect(path);
    expect((await reader.next()).type).toBe('history');
    const writer = await live(bob, await groupWith([]));
    writer.says('elsewhere');
    await writer.hears('elsewhere');
    await reader.close();
    expect(reader.frames).toHaveLength(1);
  });

  it('holds the newest 100 by default, oldest first', async () => {
    const frame = await firstFrame(path);
    expect(textsOf(frame)).toEqual(texts.slice(-100));
    expect(Object.keys(frame).sort()).toEqual(['messages', 'type']);
  });

  it.each([
    { query: 'limit=10', from: 110, to: 120 },
    { query: 'limit=1', from: 119, to: 120 },
    { query: 'limit=10&offset=0', from: 110, to: 120 },
    { query: 'limit=10&offset=5', from: 105, to: 115 },
    { query: 'offset=1', from: 19, to: 119 },
    { query: 'offset=119', from: 0, to: 1 },
    { query: 'limit=50&offset=100', from: 0, to: 20 },
    { query: 'limit=500', from: 0, to: 120 },
    { query: 'offset=00005&limit=0001', from: 114, to: 115 },
  ])('with $query counts back from the newest', async ({ query, from, to }) => {
    const frame = await firstFrame(`${path}?${query}`);
    expect(textsOf(frame)).toEqual(texts.slice(from, to));
    expect(frame.more).toBeUndefined();
    expect(frame.error).toBeUndefined();
  });

  it('is empty with limit=0, or past the end, and the socket is live then as well', async () => {
    for (const query of [
      'limit=0',
      'offset=120',
      'offset=121',
      'offset=9007199254740991',
      'limit=0&offset=7',
    ]) {
      expect(await firstFrame(`${path}?${query}`)).toEqual(NO_MESSAGES);
    }
    const chat = await groupWith(['before']);
    const reader = await live(bob, `${chat}?limit=0`);
    await saysAll(await live(alice, chat), ['after']);
    await reader.hears('after');
  });

  it('of a chat without messages is exactly one frame', async () => {
    expect(await firstFrame(`/chat/${await alice.chatWith(bob)}`)).toEqual({
      type: 'history',
      messages: [],
      error: 'no messages',
    });
  });

  it('moves with the chat: offsets count from what is newest now', async () => {
    const chat = await groupWith(numbered('old', 5));
    await saysAll(await live(alice, chat), numbered('new', 2));
    expect(textsOf(await firstFrame(`${chat}?limit=3`))).toEqual(['old 4', 'new 0', 'new 1']);
    expect(textsOf(await firstFrame(`${chat}?limit=3&offset=2`))).toEqual(['old 2', 'old 3', 'old 4']);
  });

  it('holds this chat alone, when several are written to at once', async () => {
    const [one, two] = [await groupWith([]), await groupWith([])];
    const [first, second] = [await live(alice, one), await live(alice, two)];
    await Promise.all([saysAll(first, numbered('one', 70)), saysAll(second, numbered('two', 70))]);
    expect((await historyOf(bob, one)).map(textOf)).toEqual(numbered('one', 70));
    expect(textsOf(await firstFrame(`${two}?limit=20&offset=30`))).toEqual(numbered('two', 70).slice(20, 40));
  });
});

describe('a history of more than a frame', () => {
  it('gives 1000 messages for any limit over 1000', async () => {
    const texts = numbered('m', 1010);
    const path = await groupWith(texts);
    for (const limit of [1000, 1001, 5000]) {
      expect(textsOf(await firstFrame(`${path}?limit=${limit}`))).toEqual(texts.slice(-1000));
    }
    expect(textsOf(await firstFrame(`${path}?limit=5000&offset=1005`))).toEqual(texts.slice(0, 5));
  });

  it.each([
    { what: 'ASCII', letter: 'x' },
    { what: 'letters of several bytes', letter: '语' },
    { what: 'characters that JSON escapes', letter: '\u0001' },
  ])('holds the newest that fit into 256 KiB, and more:true ($what)', async ({ letter }) => {
    const texts = Array.from({ length: 40 }, (_, n) => `${n} `.padEnd(TEXT_CHARACTERS_MAX - n, letter));
    const path = await groupWith(texts);
    const all = await historyOf(bob, path);
    expect(all.map(textOf)).toEqual(texts);

    const frame = await firstFrame(path);
    const count = frame.messages.length;
    expect(frame).toEqual({ type: 'history', messages: all.slice(-count), more: true });
    const bytes = bytesOf(frame);
    expect(bytes).toBeLessThanOrEqual(HISTORY_BYTES_MAX);
    expect(bytes + bytesOf(all.at(-count - 1))).toBeGreaterThan(HISTORY_BYTES_MAX);
  });

  it('does not say more:true when the limit, not the size, ends it', async () => {
    const path = await groupWith(Array.from({ length: 40 }, () => 'x'.repeat(TEXT_CHARACTERS_MAX)));
    const frame = await firstFrame(`${path}?limit=20`);
    expect(frame.messages).toHaveLength(20);
    expect(frame.more).toBeUndefined();
  });
});

describe('a message in the history', () => {
  it('is the very frame that was heard, and has what the API names and nothing else', async () => {
    const path = await groupWith([]);
    const socket = await live(bob, path);
    socket.says('hello', 'my-id-1');
    socket.says('and again');
    const heard = [await socket.next(), await socket.next()];
    const { messages } = HistoryFrame.parse(await firstFrame(path));
    expect(messages).toEqual(heard);
    expect(messages[0]).toEqual({
      id: expect.any(Number),
      chat_id: Number(path.split('/')[2]),
      type: 'message',
      text: 'hello',
      author: { id: bob.id, name: 'Bob' },
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      client_id: 'my-id-1',
    });
    expect(messages[1]).not.toHaveProperty('client_id');
  });

  it('carries the time at which it was said', async () => {
    const before = Date.now();
    const path = await groupWith(['now']);
    const after = Date.now();
    const time = Date.parse((await firstFrame(path)).messages[0].time);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(after);
  });

  it('has an id that no other message has, growing over all chats', async () => {
    const [one, two] = [await live(alice, await groupWith([])), await live(alice, await groupWith([]))];
    const ids: number[] = [];
    for (const socket of [one, two, one, two]) ids.push((await saysAll(socket, ['next']))[0].id);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  });
});

/** The frame's size on the wire: the server encodes as JSON.stringify does. */
function bytesOf(frame: Frame): number {
  return Buffer.byteLength(JSON.stringify(frame));
}
