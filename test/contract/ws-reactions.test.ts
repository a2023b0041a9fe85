import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { full, fullHistoryOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
});
afterAll(() => server.stop());

/** Alice's group, in which she said something. */
async function said(text = 'hello') {
  const path = `/group/${await alice.groupWith(bob)}`;
  const [hers, his] = [await full(alice, path), await full(bob, path)];
  hers.says(text);
  const message = await hers.hears(text);
  await his.hears(text);
  return { path, hers, his, message };
}

async function nothingElse(speaker: TestSocket, ...listeners: TestSocket[]): Promise<void> {
  speaker.says('nothing else');
  for (const listener of listeners) await listener.hears('nothing else');
}

/** What the message is shown with to a user who reads the chat anew, on both workers. */
async function reactionsFor(user: TestUser, path: string): Promise<unknown> {
  const all = [];
  for (const socket of await user.connectOnBoth(`${path}?features=1`))
    all.push((await socket.nextOf('history')).messages[0].reactions);
  expect(all[0]).toEqual(all[1]);
  return all[0];
}

describe('a reaction', () => {
  it('is echoed to every full socket with the count, and shown in history with whose it is', async () => {
    const { path, hers, his, message } = await said();
    const others = await bob.connectOnBoth(`${path}?features=1`);
    for (const socket of others) await socket.nextOf('history');
    his.reacts(message, '👍', undefined, 'react-1');
    const first = await his.nextOf('reaction');
    expect(first).toEqual({
      ...{ id: expect.any(Number), type: 'reaction', message_id: message.id, chat_id: message.chat_id },
      ...{ emoji: '👍', count: 1, on: true, time: expect.any(String), client_id: 'react-1' },
      author: { id: bob.id, name: 'Bob' },
    });
    hers.reacts(message, '👍', true);
    expect(await hers.next()).toEqual(first);
    const second = await hers.nextOf('reaction');
    expect(second).toMatchObject({ emoji: '👍', count: 2, on: true, author: { id: alice.id } });
    expect(await his.next()).toEqual(second);
    for (const socket of others) expect([await socket.next(), await socket.next()]).toEqual([first, second]);
    hers.reacts(message, '🎉');
    await hers.nextOf('reaction');
    const both = { emoji: '👍', count: 2, me: true };
    expect(await reactionsFor(alice, path)).toEqual([both, { emoji: '🎉', count: 1, me: true }]);
    expect(await reactionsFor(bob, path)).toEqual([both, { emoji: '🎉', count: 1, me: false }]);
  });

  it('is taken back by its user alone, and the last one goes', async () => {
    const { path, hers, his, message } = await said();
    his.reacts(message, '👍');
    await his.nextOf('reaction');
    hers.reacts(message, '👍');
    await his.nextOf('reaction');
    his.reacts(message, '👍', false, 'off-1');
    expect(await his.next()).toMatchObject({ type: 'reaction', count: 1, on: false, client_id: 'off-1' });
    expect(await reactionsFor(bob, path)).toEqual([{ emoji: '👍', count: 1, me: false }]);
    hers.reacts(message, '👍', false);
    expect(await his.next()).toMatchObject({ type: 'reaction', count: 0, on: false });
    expect((await fullHistoryOf(bob, path))[0]).toEqual(message);
  });

  it('that is there, or is not there to be taken back, is answered on the asking socket alone', async () => {
    const { hers, his, message } = await said();
    his.reacts(message, '👍', false);
    expect(await his.next()).toMatchObject({ type: 'reaction', count: 0, on: false, duplicate: true });
    his.reacts(message, '👍', true, 'react-1');
    const made = await his.nextOf('reaction');
    expect(await hers.next()).toEqual(made);
    his.reacts(message, '👍', true, 'react-2');
    const { time: _time, ...same } = made;
    expect(await his.next()).toMatchObject({ ...same, client_id: 'react-2', duplicate: true });
    await nothingElse(hers, hers, his);
  });

  it('that is sent again after it was taken back is not made again: the answer says what is', async () => {
    const { path, hers, his, message } = await said();
    his.reacts(message, '👍', true, 'on');
    his.reacts(message, '👍', false, 'off');
    his.reacts(message, '👍', true, 'on');
    expect(await his.nextOf('reaction')).toMatchObject({ count: 1, on: true });
    expect(await his.nextOf('reaction')).toMatchObject({ count: 0, on: false });
    expect(await his.next()).toMatchObject({ client_id: 'on', count: 0, on: false, duplicate: true });
    for (let n = 0; n < 2; n++) await hers.nextOf('reaction');
    await nothingElse(hers, hers, his);
    expect((await fullHistoryOf(bob, path))[0]).toEqual(message);
  });

  it.each([
    '❤️',
    '👩‍👩‍👧',
    '🇩🇪',
    '👍🏽',
    '1️⃣',
    '🏴󠁧󠁢󠁥󠁮󠁧󠁿',
    '🧑🏻‍🤝‍🧑🏿',
    '☺️',
  ])('may be any emoji of Unicode: %s', async (emoji) => {
    const { path, hers, message } = await said();
    hers.reacts(message, emoji);
    expect(await hers.nextOf('reaction')).toMatchObject({ emoji, count: 1 });
    expect(await reactionsFor(alice, path)).toEqual([{ emoji, count: 1, me: true }]);
  });

  it('has one form: an emoji without its presentation selector is the one with it', async () => {
    const { hers, his, message } = await said();
    hers.reacts(message, '❤');
    expect(await hers.nextOf('reaction')).toMatchObject({ emoji: '❤️', count: 1 });
    await his.nextOf('reaction');
    his.reacts(message, '❤️');
    expect(await his.next()).toMatchObject({ emoji: '❤️', count: 2 });
  });

  it.each([
    '',
    'a',
    ' ',
    '👍👍',
    '👍 ',
    ':)',
    '🇩',
    '1',
    '\u200d',
    '\ufe0f',
    'x👍',
    '<b>',
    null,
    5,
    undefined,
  ])('may be nothing else: %j is refused', async (emoji) => {
    const { hers, message } = await said();
    hers.send({ type: 'react', message_id: message.id, emoji, client_id: 'c-1' });
    expect(await hers.nextOf('error')).toMatchObject({
      ...{ code: 'invalid_field', details: { field: 'emoji' }, client_id: 'c-1' },
    });
  });

  it.each([
    ['on', { on: 1 }],
    ['on', { on: null }],
    ['message_id', { message_id: null }],
    ['client_id', { client_id: 'x'.repeat(65) }],
  ])('with a bad %s is refused (%j)', async (field, bad) => {
    const { hers, message } = await said();
    hers.send({ type: 'react', message_id: message.id, emoji: '👍', ...bad });
    expect(await hers.nextOf('error')).toMatchObject({ code: 'invalid_field', details: { field } });
  });

  it('of a stranger, or to what is no message here, is refused', async () => {
    const { hers, message } = await said();
    const path = `/group/${await bob.groupWith()}`;
    const elsewhere = await full(bob, path);
    elsewhere.reacts(message, '👍', true, 'c-1');
    expect(await elsewhere.next()).toMatchObject({
      type: 'error',
      code: 'message_not_found',
      client_id: 'c-1',
    });
    hers.reacts({ id: 999_999_999_999 }, '👍');
    expect(await hers.next()).toMatchObject({ type: 'error', code: 'message_not_found' });
    await nothingElse(hers, hers);
  });
});

describe('a message', () => {
  const TWENTY = [...'😀😁😂🤣😃😄😅😆😉😊😋😎😍😘🥰😗😙😚🙂🤗'];

  it('has at most 20 different emoji, and room for another when one is gone', async () => {
    const { path, hers, his, message } = await said();
    for (const emoji of TWENTY) {
      hers.reacts(message, emoji);
      await hers.nextOf('reaction');
      await his.nextOf('reaction');
    }
    his.reacts(message, '🤩', true, 'c-21');
    expect(await his.next()).toMatchObject({
      ...{ type: 'error', code: 'too_many_reactions', details: { max: 20 }, client_id: 'c-21' },
    });
    his.reacts(message, '😀');
    expect(await his.nextOf('reaction')).toMatchObject({ count: 2 });
    hers.reacts(message, '😁', false);
    await his.nextOf('reaction');
    his.reacts(message, '🤩');
    expect(await his.nextOf('reaction')).toMatchObject({ emoji: '🤩', count: 1 });
    // In the order in which each came first.
    const shown = (await fullHistoryOf(bob, path))[0].reactions.map(({ emoji }: { emoji: string }) => emoji);
    expect(shown).toEqual([...TWENTY.filter((emoji) => emoji !== '😁'), '🤩']);
  });

  it('keeps its reactions when it is edited, and loses them when it is deleted', async () => {
    const { path, hers, message } = await said();
    hers.reacts(message, '👍');
    hers.edits(message, 'edited');
    for (const type of ['reaction', 'edited']) await hers.nextOf(type);
    expect(await reactionsFor(alice, path)).toEqual([{ emoji: '👍', count: 1, me: true }]);
    hers.deletes(message);
    await hers.nextOf('deleted');
    expect(await reactionsFor(alice, path)).toBeUndefined();
  });
});
