import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { full, fullHistoryOf, historyOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame, TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob, carol] = [await server.user('Alice'), await server.user('Bob'), await server.user('Carol')];
});
afterAll(() => server.stop());

/** Alice's group with Bob, in which she said something. */
async function said(text: string) {
  const path = `/group/${await alice.groupWith(bob)}`;
  const [hers, his] = [await full(alice, path), await full(bob, path)];
  hers.says(text);
  const message = await hers.hears(text);
  await his.hears(text);
  return { path, hers, his, message };
}

/** Says something more, which everybody hears, and resolves to it. */
async function says(
  socket: TestSocket,
  text: string,
  fields: object,
  ...others: TestSocket[]
): Promise<Frame> {
  socket.send({ type: 'message', text, ...fields });
  const message = await socket.hears(text);
  for (const other of others) expect(await other.next()).toEqual(message);
  return message;
}

describe('a reply', () => {
  it('carries what it answers, live on both workers, in both views and in history', async () => {
    const { path, hers, his, message } = await said('question');
    const others = [...(await bob.connectOnBoth(path)), ...(await bob.connectOnBoth(`${path}?features=1`))];
    for (const socket of others) await socket.nextOf('history');
    const reply = await says(his, 'answer', { reply_to: message.id, client_id: 'r-1' }, hers, ...others);
    expect(reply).toMatchObject({
      reply_to: message.id,
      quote: { text: 'question', author: message.author },
    });
    const again = await says(hers, 'and so on', { reply_to: reply.id }, his);
    expect(again.quote).toEqual({ text: 'answer', author: reply.author });
    for (const read of [historyOf, fullHistoryOf])
      expect(await read(alice, path)).toEqual([message, reply, again]);
    his.send({ type: 'message', text: 'answer', reply_to: message.id, client_id: 'r-1' });
    expect(await his.next()).toEqual({ ...reply, duplicate: true });
  });

  it('quotes the first 100 characters of a long text', async () => {
    for (const [text, quoted] of [
      ['x'.repeat(100), 'x'.repeat(100)],
      ['x'.repeat(101), `${'x'.repeat(100)}…`],
      ['😀'.repeat(4000), `${'😀'.repeat(100)}…`],
      ['"\\\n'.repeat(50), `${'"\\\n'.repeat(33)}"…`],
    ] as const) {
      const { path, hers, message } = await said(text);
      const reply = await says(hers, 'reply', { reply_to: message.id });
      expect(reply.quote.text).toBe(quoted);
      expect((await historyOf(bob, path))[1]).toEqual(reply);
    }
  });

  it('shows in history the text and the name of today', async () => {
    const { path, hers, his, message } = await said('question');
    const reply = await says(his, 'answer', { reply_to: message.id }, hers);
    await historyOf(bob, path); // Pages of before are cached.
    await fullHistoryOf(bob, path);
    hers.edits(message, 'y'.repeat(200));
    await hers.nextOf('edited');
    await alice.patch('/user', { name: 'Alicia' });
    const quote = { text: `${'y'.repeat(100)}…`, author: { id: alice.id, name: 'Alicia' } };
    for (const read of [historyOf, fullHistoryOf]) {
      for (let n = 0; n < 3; n++) expect((await read(bob, path))[1]).toEqual({ ...reply, quote });
    }
    await alice.patch('/user', { name: 'Alice' });
  });

  it('quotes nothing when what it answers is deleted', async () => {
    const { path, hers, his, message } = await said('question');
    const { quote: _quote, ...rest } = await says(his, 'answer', { reply_to: message.id }, hers);
    await historyOf(bob, path);
    await fullHistoryOf(bob, path);
    hers.deletes(message);
    await hers.nextOf('deleted');
    expect(await historyOf(bob, path)).toEqual([rest]);
    expect((await fullHistoryOf(bob, path))[1]).toEqual(rest);
    const resumed = await bob.connect(`${path}?features=1&after=${message.id}`);
    const { messages } = await resumed.nextOf('history');
    expect(messages[0]).toEqual(rest);
    expect(messages[1]).toMatchObject({ type: 'deleted', message_id: message.id });
  });

  it('to what is no message of the chat is refused', async () => {
    const { hers, his, message } = await said('question');
    const elsewhere = await said('elsewhere');
    const gone = await says(hers, 'gone', {}, his);
    hers.deletes(gone);
    for (const socket of [hers, his]) await socket.nextOf('deleted');
    for (const id of [elsewhere.message.id, gone.id, message.chat_id, 999_999_999_999]) {
      his.send({ type: 'message', text: 'answer', reply_to: id, client_id: `to ${id}` });
      expect(await his.next()).toMatchObject({ type: 'error', code: 'reply_unknown', client_id: `to ${id}` });
    }
    // Nothing was stored, so the names are free.
    await says(his, 'answer', { reply_to: message.id, client_id: `to ${gone.id}` }, hers);
  });

  it.each(['1', 0, -1, 1.5, null, {}])('to %j is refused', async (reply_to) => {
    const { hers } = await said('question');
    hers.send({ type: 'message', text: 'answer', reply_to });
    expect(await hers.next()).toMatchObject({ code: 'invalid_field', details: { field: 'reply_to' } });
  });

  it('keeps its quote when it is edited itself', async () => {
    const { path, hers, his, message } = await said('question');
    const reply = await says(his, 'answer', { reply_to: message.id, mentions: [alice.id] }, hers);
    his.edits(reply, 'a better answer');
    const edited = await his.nextOf('edited');
    const now = { ...reply, text: 'a better answer', version: 2, edited_at: edited.time };
    expect((await fullHistoryOf(alice, path))[1]).toEqual(now);
  });
});

describe('mentions', () => {
  it('are shown with the message, each once', async () => {
    const { path, hers, his, message } = await said('first');
    const second = await says(hers, 'second', { mentions: [bob.id, alice.id, bob.id] }, his);
    expect(second.mentions).toEqual([bob.id, alice.id]);
    const third = await says(his, 'third', { mentions: [] }, hers);
    expect(third).not.toHaveProperty('mentions');
    for (const read of [historyOf, fullHistoryOf])
      expect(await read(bob, path)).toEqual([message, second, third]);
  });

  it('of all are for the owner of the group', async () => {
    const { hers, his } = await said('first');
    for (const mentions of ['all', ['all'], ['all', bob.id]]) {
      const { mentions: shown } = await says(hers, 'everybody', { mentions }, his);
      expect(shown).toEqual([mentions].flat());
      his.send({ type: 'message', text: 'everybody', mentions, client_id: 'c-1' });
      expect(await his.next()).toMatchObject({ type: 'error', code: 'not_owner', client_id: 'c-1' });
    }
    const chat = await full(alice, `/chat/${await alice.chatWith(bob)}`);
    chat.send({ type: 'message', text: 'both', mentions: 'all' });
    expect(await chat.next()).toMatchObject({ type: 'error', code: 'not_owner' });
  });

  it('are of members: others are named in the refusal, and nothing is stored', async () => {
    const { path, hers, message } = await said('first');
    hers.send({
      type: 'message',
      text: 'hello',
      mentions: [bob.id, carol.id, 999_999_999],
      client_id: 'c-1',
    });
    expect(await hers.next()).toMatchObject({
      ...{ type: 'error', code: 'not_a_member', client_id: 'c-1' },
      details: { users: [carol.id, 999_999_999] },
    });
    expect(await historyOf(bob, path)).toEqual([message]);
  });

  it('stay when who is mentioned leaves', async () => {
    const { path, hers, his } = await said('first');
    const second = await says(hers, 'second', { mentions: [bob.id] }, his);
    await alice.delete(`${path}/delete`, { users: [{ id: bob.id, name: 'Bob' }] });
    expect((await historyOf(alice, path))[1]).toEqual(second);
    hers.send({ type: 'message', text: 'third', mentions: [bob.id] });
    expect(await hers.next()).toMatchObject({ code: 'not_a_member', details: { users: [bob.id] } });
  });

  it('are at most 50', async () => {
    const { hers } = await said('first');
    const many = Array.from({ length: 50 }, () => bob.id);
    expect((await says(hers, 'fifty', { mentions: many })).mentions).toEqual([bob.id]);
    hers.send({ type: 'message', text: 'too many', mentions: [...many, bob.id] });
    expect(await hers.next()).toMatchObject({ code: 'invalid_field', details: { field: 'mentions' } });
  });

  it.each([
    ['mentions', 'everybody'],
    ['mentions', 5],
    ['mentions', null],
    ['mentions', ['1']],
    ['mentions.1', [1, 0]],
    ['mentions', ['everybody']],
  ])('that are no ids are refused: %s of %j', async (field, mentions) => {
    const { hers } = await said('first');
    hers.send({ type: 'message', text: 'hello', mentions });
    expect(await hers.next()).toMatchObject({ code: 'invalid_field', details: { field } });
  });
});
