import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BASE } from '../../src/api/routes.js';
import { live } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame } from '../support/socket.js';
import {
  ask,
  expectRefusal,
  join,
  newcomer,
  type RawAnswer,
  type StrictUser,
  stopUnharmed,
} from '../support/strict.js';

let server: TestServer;
let alice: StrictUser;
let bob: StrictUser;
let stranger: StrictUser;
let paths: Readonly<Record<'private' | 'group', string>>;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob, stranger] = [
    await join(server, 'Alice'),
    await join(server, 'Bob'),
    await join(server, 'Eve'),
  ];
});
beforeEach(async () => {
  paths = { private: `/chat/${await alice.chatWith(bob)}`, group: `/group/${await alice.groupWith(bob)}` };
});
afterAll(() => stopUnharmed(server));

/** Posts a message that is taken, and gives it. */
async function says(user: StrictUser, path: string, text: string, more: object = {}): Promise<Frame> {
  const { status, body } = await user.post(`${path}/message`, { text, ...more });
  expect([status, body.status]).toEqual([200, 'ok']);
  return body.message;
}

/** The messages of a chat as the history of a socket shows them that asks for changes. */
async function historyOf(user: StrictUser, path: string): Promise<Frame[]> {
  const socket = await user.connect(`${path}?features=1`);
  const { messages } = await socket.nextOf('history');
  await socket.close();
  return messages;
}

const shown = async (user: StrictUser, id: number) => (await user.get(`/message/${id}`)).body;

describe.each(['private', 'group'] as const)('a message that is posted to a %s chat', (type) => {
  it('is the answer, and what history and every socket show', async () => {
    const path = paths[type];
    const [plain, full] = [await live(bob, path), await live(alice, `${path}?features=1`)];
    const message = await says(alice, path, 'Hello, "you" 😀', { client_id: 'mine' });
    expect(message).toEqual({
      id: expect.any(Number),
      chat_id: Number(path.split('/')[2]),
      type: 'message',
      text: 'Hello, "you" 😀',
      author: { id: alice.id, name: 'Alice' },
      time: expect.any(String),
      client_id: 'mine',
    });
    expect(await plain.nextOf('message')).toEqual(message);
    expect(await full.nextOf('message')).toEqual(message);
    expect((await historyOf(bob, path)).at(-1)).toEqual(message);
    expect(await shown(bob, message.id)).toEqual(message);
    await Promise.all([plain.close(), full.close()]);
  });

  it('is shown by every worker from then on', async () => {
    for (let n = 0; n < 20; n++) {
      const { id } = await says(alice, paths[type], `number ${n}`);
      const asked = Array.from({ length: 4 }, () => shown(bob, id));
      for (const message of await Promise.all(asked)) expect(message.text).toBe(`number ${n}`);
    }
  });

  it('is the first one again when its client_id comes again', async () => {
    const path = paths[type];
    const first = await says(alice, path, 'once', { client_id: 'again' });
    const repeated = await alice.post(`${path}/message`, { text: 'twice', client_id: 'again' });
    expect(repeated.body).toEqual({ status: 'ok', message: first, duplicate: true });
    expect(await says(bob, path, 'of his own', { client_id: 'again' })).not.toHaveProperty('duplicate');
    await alice.patch(`/message/${first.id}`, { text: 'edited' });
    const later = await alice.post(`${path}/message`, { text: 'thrice', client_id: 'again' });
    expect(later.body).toMatchObject({
      duplicate: true,
      message: { id: first.id, text: 'edited', version: 2 },
    });
    await alice.delete(`/message/${first.id}`);
    const gone = await alice.post(`${path}/message`, { text: 'again', client_id: 'again' });
    expectRefusal(gone, 404, 'message_not_found');
  });

  it('quotes the message that it answers, as that is now', async () => {
    const path = paths[type];
    const first = await says(bob, path, 'When?');
    const reply = await says(alice, path, 'At noon', { reply_to: first.id });
    const quote = { text: 'When?', author: { id: bob.id, name: 'Bob' } };
    expect(reply).toMatchObject({ reply_to: first.id, quote });
    await bob.patch(`/message/${first.id}`, { text: 'When, and where?' });
    expect((await shown(alice, reply.id)).quote).toEqual({ ...quote, text: 'When, and where?' });
    await bob.delete(`/message/${first.id}`);
    expect(await shown(alice, reply.id)).toEqual({ ...reply, quote: undefined });
    const late = await alice.post(`${path}/message`, { text: 'At one', reply_to: first.id });
    expectRefusal(late, 400, 'reply_unknown');
  });

  it('mentions members alone', async () => {
    const path = paths[type];
    expect(await says(alice, path, 'Hi Bob', { mentions: [bob.id, bob.id] })).toMatchObject({
      mentions: [bob.id],
    });
    const answer = await alice.post(`${path}/message`, { text: 'Hi Eve', mentions: [bob.id, stranger.id] });
    expectRefusal(answer, 409, 'not_a_member', { users: [stranger.id] });
  });

  it('is of the chat or the group that the path names, and nobody else has it', async () => {
    const other =
      type === 'private' ? paths.private.replace('chat', 'group') : paths.group.replace('group', 'chat');
    const code = type === 'private' ? 'group_not_found' : 'chat_not_found';
    for (const body of [{ text: 'hello' }, { text: 'hello', reply_to: 1, mentions: [alice.id] }])
      expectRefusal(await alice.post(`${other}/message`, body), 404, code);
    const own = type === 'private' ? 'chat_not_found' : 'group_not_found';
    expectRefusal(await stranger.post(`${paths[type]}/message`, { text: 'hello' }), 404, own);
    const nobody = await newcomer(server, 'Nemo');
    for (const path of [other, paths[type]])
      expectRefusal(await nobody.post(`${path}/message`, { text: 'hello' }), 400, 'profile_required');
  });
});

it('only the owner of a group mentions all', async () => {
  expect(await says(alice, paths.group, 'Hi', { mentions: 'all' })).toMatchObject({ mentions: ['all'] });
  expectRefusal(await bob.post(`${paths.group}/message`, { text: 'Hi', mentions: 'all' }), 403, 'not_owner');
});

describe('a text', () => {
  it.each([
    ['is missing', {}],
    ['is empty', { text: '' }],
    ['shows nothing', { text: ' \n\u200b' }],
    ['has NUL', { text: 'a\0b' }],
    ['has half a character', { text: '\ud83d' }],
    ['is longer than the setting allows', { text: 'x'.repeat(4097) }],
    ['is no text', { text: 7 }],
  ])('that %s is refused, posted or edited', async (_, body) => {
    const { id } = await says(alice, paths.private, 'fine');
    for (const answer of [
      await alice.post(`${paths.private}/message`, body),
      await alice.patch(`/message/${id}`, body),
    ])
      expectRefusal(answer, 400, 'invalid_field', { field: 'text' });
    expect((await shown(alice, id)).text).toBe('fine');
  });

  it('is kept as it is, up to the longest', async () => {
    for (const text of ['😀'.repeat(4096), '  \u202edrow\r\n', '\\u0000', 'e\u0301', '</script>\u2028']) {
      const { id } = await says(alice, paths.private, text);
      expect((await shown(bob, id)).text).toBe(text);
    }
  });

  it('may be as long as TEXT_CHARACTERS_MAX allows', async () => {
    const own = await TestServer.start({ workers: 1, env: { TEXT_CHARACTERS_MAX: '10' } });
    const [ann, ben] = [await join(own, 'Ann'), await join(own, 'Ben')];
    const path = `/chat/${await ann.chatWith(ben)}`;
    const { id } = await says(ann, path, '1234567890');
    for (const answer of [
      await ann.post(`${path}/message`, { text: '12345678901' }),
      await ann.patch(`/message/${id}`, { text: '12345678901' }),
    ]) {
      expectRefusal(answer, 400, 'invalid_field', { field: 'text' });
      expect(answer.body.error).toContain('1 to 10 characters');
    }
    await stopUnharmed(own);
  });
});

describe('a field beside the text', () => {
  it.each([
    ['client_id', ''],
    ['client_id', 'x'.repeat(65)],
    ['client_id', 7],
    ['reply_to', '7'],
    ['reply_to', 0],
    ['reply_to', null],
    ['mentions', 'everybody'],
    ['mentions', Array.from({ length: 51 }, (_, n) => n + 1)],
    ['mentions', 7],
  ])('%s is refused as %j', async (field, value) => {
    const answer = await alice.post(`${paths.group}/message`, { text: 'hello', [field]: value });
    expectRefusal(answer, 400, 'invalid_field');
    expect(answer.body.details.field).toMatch(new RegExp(`^${field}`));
  });
});

describe('the body of a message', () => {
  const send = (method: string, path: string, type: string, body: string): Promise<RawAnswer> =>
    ask(server, method, `${BASE}${path}`, { token: alice.token, headers: { 'content-type': type }, body });

  it('is JSON', async () => {
    const { id } = await says(alice, paths.group, 'fine');
    for (const [method, path] of [
      ['POST', `${paths.private}/message`],
      ['POST', `${paths.group}/message`],
      ['PATCH', `/message/${id}`],
    ] as const) {
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
      ])
        expectRefusal(await send(method, path, type, '{"text":"hello"}'), 415, 'unsupported_media_type');
      expectRefusal(await send(method, path, 'application/json', '{"text":'), 400, 'invalid_json');
      expectRefusal(await send(method, path, 'application/json', '["text"]'), 400, 'invalid_field', {
        field: 'body',
      });
    }
  });
});

describe('an edit', () => {
  it('is the message with its new text, everywhere', async () => {
    const first = await says(alice, paths.group, 'Helo', { client_id: 'mine', mentions: [bob.id] });
    const socket = await live(bob, `${paths.group}?features=1`);
    const { status, body } = await alice.patch(`/message/${first.id}`, {
      text: 'Hello',
      client_id: 'edit 1',
    });
    const message = { ...first, text: 'Hello', version: 2, edited_at: expect.any(String) };
    expect([status, body]).toEqual([200, { status: 'ok', message }]);
    expect(await socket.nextOf('edited')).toMatchObject({
      message_id: first.id,
      text: 'Hello',
      version: 2,
      client_id: 'edit 1',
      time: body.message.edited_at,
    });
    expect(await historyOf(bob, paths.group)).toEqual([body.message]);
    expect(await shown(bob, first.id)).toEqual(body.message);
    await socket.close();
  });

  it('that is repeated changes nothing', async () => {
    const { id } = await says(alice, paths.group, 'one');
    const first = (await alice.patch(`/message/${id}`, { text: 'two', client_id: 'e' })).body;
    expect((await alice.patch(`/message/${id}`, { text: 'two' })).body).toEqual(first);
    expect((await alice.patch(`/message/${id}`, { text: 'three', client_id: 'e' })).body).toEqual(first);
  });

  it('is for the author alone', async () => {
    const { id } = await says(bob, paths.group, 'hers');
    expectRefusal(await alice.patch(`/message/${id}`, { text: 'mine' }), 403, 'not_author');
    expectRefusal(await stranger.patch(`/message/${id}`, { text: 'mine' }), 404, 'message_not_found');
  });

  it('is refused when EDIT_SECONDS_MAX are over, while a deletion is not', async () => {
    const own = await TestServer.start({ workers: 1, env: { EDIT_SECONDS_MAX: '1' } });
    const [ann, ben] = [await join(own, 'Ann'), await join(own, 'Ben')];
    const { id } = await says(ann, `/chat/${await ann.chatWith(ben)}`, 'one');
    let answer = await ann.patch(`/message/${id}`, { text: 'text 0' });
    for (let n = 1; answer.status === 200; n++)
      answer = await ann.patch(`/message/${id}`, { text: `text ${n}` });
    expectRefusal(answer, 403, 'edit_too_late');
    expect((await ann.delete(`/message/${id}`)).body).toEqual({ status: 'ok' });
    await stopUnharmed(own);
  });
});

describe('a deletion', () => {
  it('leaves the place of the message, and can be repeated', async () => {
    const message = await says(bob, paths.group, 'never mind', { client_id: 'mine' });
    const socket = await live(alice, `${paths.group}?features=1`);
    for (let times = 0; times < 3; times++) {
      const { status, body } = await bob.delete(`/message/${message.id}`);
      expect([status, body]).toEqual([200, { status: 'ok' }]);
    }
    expect(await socket.nextOf('deleted')).toMatchObject({ message_id: message.id, author: { id: bob.id } });
    const { id, chat_id, author, time, client_id } = message;
    const tombstone = { id, chat_id, type: 'message', author, time, client_id, deleted: true };
    expect(await shown(alice, id)).toEqual(tombstone);
    expect(await historyOf(alice, paths.group)).toEqual([tombstone]);
    expectRefusal(await bob.patch(`/message/${id}`, { text: 'or do' }), 404, 'message_not_found');
    await socket.close();
  });

  it("is the author's, and in a group the owner's", async () => {
    const [inGroup, inChat] = [await says(bob, paths.group, 'a'), await says(bob, paths.private, 'b')];
    const hers = await says(alice, paths.group, 'c');
    expectRefusal(await bob.delete(`/message/${hers.id}`), 403, 'not_author');
    expectRefusal(await alice.delete(`/message/${inChat.id}`), 403, 'not_author');
    for (const { id } of [inGroup, inChat, hers])
      expectRefusal(await stranger.delete(`/message/${id}`), 404, 'message_not_found');
    expect((await alice.delete(`/message/${inGroup.id}`)).status).toBe(200);
    expect((await shown(bob, inGroup.id)).author.id).toBe(bob.id);
  });
});

describe('the rate of messages', () => {
  it('is the same for posts and changes over HTTP, and is refused with 429 and Retry-After', async () => {
    const env = { MESSAGES_PER_SECOND_PER_USER_MAX: '1' };
    const own = await TestServer.start({ workers: 1, env });
    const [ann, ben] = [await join(own, 'Ann'), await join(own, 'Ben')];
    const path = `/chat/${await ann.chatWith(ben)}`;
    const { id } = await says(ann, path, 'first');
    const tries = [
      () => ann.post(`${path}/message`, { text: 'again' }),
      () => ann.patch(`/message/${id}`, { text: 'first' }),
      () => ann.put(`/message/${id}/reaction/${encodeURIComponent('👍')}`),
      () => ann.delete(`/message/${id}/reaction/${encodeURIComponent('👍')}`),
    ];
    for (const ask of tries) {
      const answers = await Promise.all(Array.from({ length: 20 }, ask));
      const refused = answers.filter(({ status }) => status !== 200);
      expect(refused.length).toBeGreaterThan(0);
      for (const answer of refused) {
        expectRefusal(answer, 429, 'rate_limited');
        const { limit, retry_after_ms: retryMs } = answer.body.details;
        expect(limit).toBe('messages');
        expect(answer.headers.get('retry-after')).toBe(String(Math.ceil(retryMs / 1000)));
      }
    }
    await stopUnharmed(own);
  });
});
