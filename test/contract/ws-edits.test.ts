import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { full, fullHistoryOf, historyOf, live, NO_MESSAGES, numbered, textOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame, TestSocket } from '../support/socket.js';
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
async function said(text: string, clientId?: string) {
  const path = `/group/${await alice.groupWith(bob)}`;
  const [hers, his] = [await full(alice, path), await full(bob, path)];
  hers.says(text, clientId);
  const message = await hers.hears(text);
  await his.hears(text);
  return { path, hers, his, message };
}

/** Nothing else is on its way to these: what is said comes next. */
async function nothingElse(speaker: TestSocket, ...listeners: TestSocket[]): Promise<void> {
  speaker.says('nothing else');
  for (const listener of listeners) await listener.hears('nothing else');
}

const error = (code: string, client_id?: string) =>
  expect.objectContaining({ type: 'error', code, ...(client_id && { client_id }) });

describe('an edit', () => {
  it('is echoed to every socket of the chat that asks for changes, on both workers', async () => {
    const { path, hers, message } = await said('first');
    const others = [
      ...(await alice.connectOnBoth(`${path}?features=1`)),
      ...(await bob.connectOnBoth(`${path}?features=1`)),
    ];
    for (const socket of others) await socket.nextOf('history');
    hers.edits(message, 'second', 'edit-1');
    const edited = await hers.nextOf('edited');
    expect(edited).toEqual({
      ...{ id: expect.any(Number), type: 'edited', message_id: message.id, chat_id: message.chat_id },
      ...{
        text: 'second',
        version: 2,
        author: message.author,
        time: expect.any(String),
        client_id: 'edit-1',
      },
    });
    expect(edited.id).toBeGreaterThan(message.id);
    for (const socket of others) expect(await socket.next()).toEqual(edited);
    const now = { ...message, text: 'second', version: 2, edited_at: edited.time };
    expect(await fullHistoryOf(bob, path)).toEqual([now]);
    expect(await historyOf(bob, path)).toEqual([now]);
  });

  it('that follows another at once is echoed with its own text, in the order in which they were sent', async () => {
    const { path, hers, his, message } = await said('version 1');
    const texts = numbered('version', 30).slice(2);
    for (const text of texts) hers.edits(message, text, text);
    for (const [n, text] of texts.entries()) {
      const edited = await hers.nextOf('edited');
      expect(edited).toMatchObject({ text, client_id: text, version: n + 2 });
      expect(await his.next()).toEqual(edited);
    }
    expect((await fullHistoryOf(bob, path)).map(textOf)).toEqual([texts.at(-1)]);
  });

  it('and messages and reactions of the same socket come in the order in which they were sent', async () => {
    const { hers, his, message } = await said('first');
    for (let n = 0; n < 10; n++) {
      hers.says(`said ${n}`);
      hers.edits(message, `edited ${n}`);
      hers.reacts(message, '👍', n % 2 === 0);
    }
    const told: Frame[] = [];
    for (let n = 0; n < 30; n++) told.push(await his.next());
    expect(told.map(({ type, text, on }) => [type, text ?? on])).toEqual(
      numbered('', 10).flatMap((_, n) => [
        ['message', `said ${n}`],
        ['edited', `edited ${n}`],
        ['reaction', n % 2 === 0],
      ]),
    );
    expect(told.map(({ id }) => id)).toEqual(told.map(({ id }) => id).sort((a, b) => a - b));
    for (const frame of told) expect(await hers.next()).toEqual(frame);
  });

  it('that is sent before the history has come is echoed after it', async () => {
    const { path, message } = await said('first');
    const texts = numbered('early', 20);
    const early = await alice.connect(`${path}?features=1`);
    for (const text of texts) early.edits(message, text);
    await early.nextOf('history');
    for (const text of texts) expect(await early.nextOf('edited')).toMatchObject({ text });
  });

  it('to the text that it has is answered on the asking socket alone, and nothing is stored', async () => {
    const { path, hers, his, message } = await said('first');
    hers.edits(message, 'second', 'edit-1');
    const edited = await hers.nextOf('edited');
    expect(await his.next()).toEqual(edited);
    const hersToo = await full(alice, path);
    hers.edits(message, 'second', 'edit-2');
    expect(await hers.next()).toEqual({ ...edited, client_id: 'edit-2', duplicate: true });
    await nothingElse(his, hers, his, hersToo);
    expect((await fullHistoryOf(bob, path))[0]).toMatchObject({ text: 'second', version: 2 });
  });

  it('to its first text, when it was never edited, is answered in the same way', async () => {
    const { hers, his, message } = await said('first');
    hers.edits(message, 'first');
    expect(await hers.next()).toMatchObject({ type: 'edited', text: 'first', version: 1, duplicate: true });
    await nothingElse(his, hers, his);
  });

  it('under a client_id that the author used for a change before is not made again', async () => {
    const { path, hers, his, message } = await said('first', 'same');
    hers.edits(message, 'second', 'same'); // The name of a message is no name of a change.
    const edited = await hers.nextOf('edited');
    expect(edited).not.toHaveProperty('duplicate');
    hers.edits(message, 'third', 'same');
    expect(await hers.next()).toEqual({ ...edited, duplicate: true });
    expect(await his.next()).toEqual(edited);
    for (const socket of await alice.connectOnBoth(`${path}?features=1`)) {
      await socket.nextOf('history');
      socket.edits(message, 'third', 'same');
      expect(await socket.next()).toEqual({ ...edited, duplicate: true });
    }
    await nothingElse(his, hers, his);
  });

  it('is only for the author, and only for a message that is there', async () => {
    const { hers, his, message } = await said('first');
    const elsewhere = await said('elsewhere');
    his.edits(message, 'by another', 'c-1');
    expect(await his.next()).toEqual(error('not_author', 'c-1'));
    hers.edits(elsewhere.message, 'elsewhere', 'c-2');
    expect(await hers.next()).toEqual(error('message_not_found', 'c-2'));
    hers.edits({ id: 999_999_999_999 }, 'nowhere', 'c-3');
    expect(await hers.next()).toEqual(error('message_not_found', 'c-3'));
    hers.edits({ id: message.chat_id }, 'an entry that is no message');
    expect(await hers.next()).toEqual(error('message_not_found'));
    await nothingElse(hers, hers, his);
  });

  it.each([
    ['message_id', { message_id: '1' }],
    ['message_id', { message_id: 0 }],
    ['message_id', { message_id: undefined }],
    ['text', { text: undefined }],
    ['text', { text: ' \n' }],
    ['text', { text: 'x'.repeat(4097) }],
    ['text', { text: 'a\0b' }],
    ['client_id', { client_id: '' }],
  ])('with a bad %s is refused (%j)', async (field, bad) => {
    const { hers, message } = await said('first');
    hers.send({ type: 'edit', message_id: message.id, text: 'edited', ...bad });
    expect(await hers.nextOf('error')).toMatchObject({ code: 'invalid_field', details: { field } });
  });
});

describe('a deletion', () => {
  it('is echoed to every full socket, and leaves a place without a text', async () => {
    const { path, hers, his, message } = await said('to be deleted', 'mine');
    hers.edits(message, 'edited first');
    const edited = await hers.nextOf('edited');
    expect(await his.next()).toEqual(edited);
    hers.reacts(message, '👍');
    expect(await his.next()).toEqual(await hers.nextOf('reaction'));
    hers.deletes(message, 'delete-1');
    const deleted = await hers.nextOf('deleted');
    expect(deleted).toEqual({
      ...{ id: expect.any(Number), type: 'deleted', message_id: message.id, chat_id: message.chat_id },
      ...{ author: message.author, time: expect.any(String), client_id: 'delete-1' },
    });
    expect(await his.next()).toEqual(deleted);
    const { id, chat_id, author, time, client_id } = message;
    const tombstone = { id, chat_id, type: 'message', deleted: true, author, time, client_id };
    expect(await fullHistoryOf(bob, path)).toEqual([tombstone]);
    expect(await (await bob.connect(path)).next()).toEqual(NO_MESSAGES);
  });

  it('is made once: the next is answered on the asking socket alone', async () => {
    const { hers, his, message } = await said('first');
    hers.deletes(message, 'delete-1');
    const deleted = await hers.nextOf('deleted');
    expect(await his.next()).toEqual(deleted);
    hers.deletes(message, 'delete-1');
    expect(await hers.next()).toEqual({ ...deleted, duplicate: true });
    hers.deletes(message);
    const { client_id: _name, ...unnamed } = deleted;
    expect(await hers.next()).toEqual({ ...unnamed, duplicate: true });
    await nothingElse(his, hers, his);
  });

  it('ends what can be done with a message', async () => {
    const { hers, his, message } = await said('first', 'mine');
    hers.deletes(message);
    await hers.nextOf('deleted');
    await his.nextOf('deleted');
    hers.edits(message, 'too late', 'c-1');
    expect(await hers.next()).toEqual(error('message_not_found', 'c-1'));
    his.reacts(message, '👍', true, 'c-2');
    expect(await his.next()).toEqual(error('message_not_found', 'c-2'));
    hers.says('first', 'mine'); // It is a repeat of one that is not there to be shown.
    expect(await hers.next()).toEqual(error('message_not_found', 'mine'));
    await nothingElse(his, hers, his);
  });

  it('of another’s message is for the owner of the group', async () => {
    const { hers, his, message } = await said('hers');
    his.says('his');
    const message2 = await his.hears('his');
    await hers.hears('his');
    his.deletes(message, 'c-1');
    expect(await his.next()).toEqual(error('not_author', 'c-1'));
    hers.deletes(message2);
    const deleted = await hers.nextOf('deleted');
    expect(deleted).toMatchObject({ message_id: message2.id, author: { id: alice.id } });
    expect(await his.next()).toEqual(deleted);
    his.deletes(message2); // It says who deleted it.
    expect(await his.next()).toEqual({ ...deleted, duplicate: true });
  });

  it('of another’s message is for nobody in a private chat', async () => {
    const carol = await server.user('Carol');
    const path = `/chat/${await alice.chatWith(carol)}`;
    const [hers, his] = [await full(alice, path), await full(carol, path)];
    for (const [speaker, other] of [
      [hers, his],
      [his, hers],
    ] as const) {
      speaker.says('mine');
      await speaker.hears('mine');
      other.deletes(await other.hears('mine'));
      expect(await other.next()).toEqual(error('not_author'));
    }
  });
});

describe('the newest message of a chat', () => {
  const newestOf = async (user: TestUser, path: string) => {
    const [, , id] = path.split('/');
    const { body } = await user.get('/chats');
    const found = body.rooms.find((room: Frame) => room.id === Number(id));
    const { body: info } = await user.get(`${path}/info`);
    expect(info.last_message).toEqual(found.last_message);
    return found.last_message;
  };

  it('is shown as it is in lists of chats, and as the one before when it was deleted', async () => {
    const path = `/chat/${await alice.chatWith(bob)}`;
    const hers = await full(alice, path);
    hers.says('first');
    const message = await hers.hears('first');
    hers.says('second');
    const second = await hers.hears('second');
    expect((await newestOf(bob, path)).text).toBe('second');
    hers.edits(second, 'second, edited');
    const edited = await hers.nextOf('edited');
    const expected = { ...second, text: 'second, edited', version: 2, edited_at: edited.time };
    for (let n = 0; n < 4; n++) expect(await newestOf(bob, path)).toEqual(expected); // On both workers.
    const main = await bob.connect(`/main?after=${message.id}`);
    const { type: _type, ...shown } = await main.nextOf('last_message');
    const { type: _message, ...wanted } = expected;
    expect(shown).toEqual({ ...wanted, chat_type: 'private' });

    hers.deletes(second);
    await hers.nextOf('deleted');
    for (let n = 0; n < 4; n++) expect(await newestOf(bob, path)).toEqual(message);
    hers.deletes(message);
    await hers.nextOf('deleted');
    for (let n = 0; n < 4; n++) expect(await newestOf(bob, path)).toBeNull();
    hers.says('third');
    const third = await hers.hears('third');
    for (let n = 0; n < 4; n++) expect(await newestOf(bob, path)).toEqual(third);
  });
});

describe('who is no longer in a group', () => {
  it('is told of nothing after the removal, and of everything when back', async () => {
    const { path, hers, his, message } = await said('first');
    const member = { users: [{ id: bob.id, name: 'Bob' }] };
    await alice.delete(`${path}/delete`, member);
    hers.edits(message, 'unseen');
    const edited = await hers.nextOf('edited');
    expect(await his.closed()).toMatchObject({ code: 4403 });
    expect(his.frames.map(({ type }) => type)).toEqual(['history', 'message']);
    await alice.post(`${path}/add`, member);
    const back = await bob.connect(`${path}?features=1&after=${message.id}`);
    const { client_id: _name, ...told } = edited;
    const now = { ...told, edited_at: edited.time, reactions: [] };
    expect((await back.nextOf('history')).messages).toEqual([now]);
  });

  it('as nobody is in a deleted one: every socket ends', async () => {
    const { path, hers, his, message } = await said('first');
    hers.edits(message, 'second');
    await his.nextOf('edited');
    await alice.delete(path);
    for (const socket of [hers, his]) expect(await socket.closed()).toMatchObject({ code: 4410 });
    expect((await bob.refusal(`${path}?features=1&after=${message.id}`)).status).toBe(404);
  });
});

describe('a frame of a socket without changes', () => {
  it('is the same as ever beside one with changes', async () => {
    const { path, hers, message } = await said('first');
    const plain = await live(bob, path);
    hers.edits(message, 'second');
    hers.says('after');
    const after = await plain.hears('after');
    expect(Object.keys(after)).toEqual(['id', 'chat_id', 'type', 'text', 'author', 'time']);
  });
});
