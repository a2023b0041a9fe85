import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { live, textOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let path: string;
let hers: TestSocket;
let his: TestSocket;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
  path = `/chat/${await alice.chatWith(bob)}`;
});
afterAll(() => server.stop());

/** Each test has sockets of its own: bad frames are counted for a minute. */
async function open(): Promise<void> {
  [hers, his] = [await live(alice, path), await live(bob, path)];
}

describe('a text', () => {
  it.each([
    { what: 'of one character', text: 'x' },
    { what: 'of one character outside the BMP', text: '😀' },
    { what: 'of 4096 characters', text: 'x'.repeat(4096) },
    { what: 'of 4096 emoji, which are 8192 UTF-16 units', text: '😀'.repeat(4096) },
    { what: 'with white space around, which is not trimmed', text: ' \n\t hello \t\n ' },
    { what: 'of lines', text: 'one\r\ntwo\rthree\n\n' },
    { what: 'with combining marks, which are not composed', text: 'e\u0301 é Å \u212b' },
    { what: 'of several scripts, right to left too', text: 'Привет, 世界! שלום عليكم \u202e\u2066' },
    { what: 'with families and flags', text: '👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪' },
    {
      what: 'with every control character but NUL',
      text: `${String.fromCharCode(...Array(32).keys())}\u007f.`.slice(1),
    },
    { what: 'with what JSON and HTML treat specially', text: '"\\/<script>&amp;\u2028\u2029' },
    { what: 'with a byte order mark and noncharacters', text: '\ufeff.\ufffe\uffff\u{10ffff}' },
    { what: 'with zero width spaces around', text: '\u200b.\u200b' },
    { what: 'of a combining mark', text: '\u0301' },
    { what: 'that looks like a number', text: '007' },
    { what: 'that looks like SQL', text: "'); DROP TABLE entry; --" },
  ])('$what comes back as it was sent, live and in history', async ({ text }) => {
    await open();
    hers.says(text);
    for (const socket of [hers, his]) expect((await socket.nextOf('message')).text).toBe(text);
    const reader = await bob.connect(`${path}?limit=1`);
    expect((await reader.nextOf('history')).messages.map(textOf)).toEqual([text]);
  });

  it.each([
    { what: 'without a character', text: '' },
    { what: 'of 4097 characters', text: 'x'.repeat(4097) },
    { what: 'of 4097 emoji', text: '😀'.repeat(4097) },
    { what: 'of spaces alone', text: '   ' },
    { what: 'of white space of all kinds alone', text: ' \t\r\n\u00a0\u2003\u2028\u3000' },
    { what: 'of a zero width space', text: '\u200b' },
    { what: 'of fillers, blanks and line breaks', text: '\u3164\n\u2800\uffa0' },
    { what: 'of controls, selectors and tags', text: '\u0007\u202e\ufe0f\u{e0041}\u00ad' },
    { what: 'that is a number', text: 7 },
    { what: 'that is null', text: null },
    { what: 'that is missing', text: undefined },
    { what: 'that is an array', text: ['hello'] },
    { what: 'with half a surrogate pair', text: 'broken \ud83d' },
    { what: 'with NUL inside', text: 'before\u0000after' },
  ])('$what is refused with an error that names the field', async ({ text }) => {
    await open();
    hers.send({ type: 'message', text, client_id: 'refused-1' });
    expect(await hers.next()).toMatchObject({
      type: 'error',
      code: 'invalid_field',
      error: expect.stringContaining('text'),
      client_id: 'refused-1',
    });
    hers.says('marker');
    for (const socket of [hers, his]) await socket.hears('marker');
  });
});
