import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { expectRefusal, join, newcomer, type StrictUser, stopUnharmed } from '../support/strict.js';

let server: TestServer;
let owner: StrictUser;
beforeAll(async () => {
  server = await TestServer.shared();
  owner = await join(server, 'Owner');
});
afterAll(() => stopUnharmed(server));

const EMOJI = '😀';
let count = 0;

/** Creates a profile of a new caller; the fields not given are valid. */
async function profile(fields: object) {
  const user = await newcomer(server, 'Alice');
  const answer = await user.post('/user', { username: `alice.${++count}`, name: 'Alice', ...fields });
  return { user, answer, shown: answer.status === 200 ? (await user.get('/user')).body : undefined };
}

/** Creates a group; the fields not given are valid. */
async function group(fields: object) {
  const answer = await owner.post('/group', { name: 'a group', ...fields });
  const shown =
    answer.status === 200 ? (await owner.get(`/group/${answer.body.group.id}/info`)).body : undefined;
  return { answer, shown };
}

const CONTROLS = ['\u0000', '\u0007', '\u001f', '\u007f', '\u0085'];
const lines: { what: string; field: string; max: number; make: typeof profile | typeof group }[] = [
  { what: "a user's username", field: 'username', max: 64, make: profile },
  { what: "a user's name", field: 'name', max: 128, make: profile },
  { what: "a group's name", field: 'name', max: 128, make: group },
];
const paragraphs = [
  { what: "a user's description", make: profile },
  { what: "a group's description", make: group },
];

describe.each(lines)('$what', ({ field, max, make }) => {
  it(`has 1 to ${max} code points, however many bytes or UTF-16 units they take`, async () => {
    const longest = `${EMOJI.repeat(max - 2)}${String(++count).padStart(2, '0').slice(-2)}`;
    const { answer, shown } = await make({ [field]: longest });
    expect(answer.status).toBe(200);
    expect(shown[field]).toBe(longest);
    const single = field === 'username' ? '名' : 'x';
    expect((await make({ [field]: single })).answer.status).toBe(200);
  });

  it('is refused when it is longer or empty', async () => {
    for (const text of ['x'.repeat(max + 1), EMOJI.repeat(max + 1), '', '   ', '\n', '\u3000']) {
      expectRefusal((await make({ [field]: text })).answer, 400, 'invalid_field', { field });
    }
  });

  it('is trimmed, before its length is counted', async () => {
    const inner = `${++count} ${'x'.repeat(max)}`.slice(0, max);
    const { answer, shown } = await make({ [field]: `  \n${inner}\t \u3000` });
    expect(answer.status).toBe(200);
    expect(shown[field]).toBe(inner);
  });

  it('has no control characters, line breaks included', async () => {
    for (const control of [...CONTROLS, '\n', '\t']) {
      expectRefusal((await make({ [field]: `a${control}b` })).answer, 400, 'invalid_field', { field });
    }
  });

  it('has a visible character', async () => {
    for (const text of [
      '\u200b',
      '\u3164',
      '\u2800 \u2800',
      '\u202e\u202c',
      '\u00ad',
      '\u0301',
      '\u{e0041}',
    ]) {
      expectRefusal((await make({ [field]: text })).answer, 400, 'invalid_field', { field });
    }
  });

  it('has no directional overrides, which would show it as another', async () => {
    for (const text of ['\u202eecila', 'a\u202dbc', '\u202eecila\u202c']) {
      expectRefusal((await make({ [field]: text })).answer, 400, 'invalid_field', { field });
    }
  });

  it('may be of any script, and of emoji', async () => {
    for (const text of [
      '👨‍👩‍👧',
      '🏳️‍🌈',
      '1️⃣',
      'علی\u200cرضا',
      'क्\u200dष',
      'สมชาย',
      'שָׁלוֹם',
      '\u2067אבג\u2069',
      '\u1112\u1161\u11ab',
    ]) {
      expect((await make({ [field]: text })).shown[field]).toBe(text);
    }
  });

  it('must be there, and a string of well-formed Unicode', async () => {
    for (const value of [undefined, null, 1, true, ['x'], { text: 'x' }, 'half \ud83d']) {
      expectRefusal((await make({ [field]: value })).answer, 400, 'invalid_field', { field });
    }
  });
});

describe('a change of a name', () => {
  it('has the same rules', async () => {
    const { user } = await profile({});
    const { answer } = await group({});
    for (const name of ['\u3164', '\u200b\u2800', '\u0301', 'a\u202e']) {
      expectRefusal(await user.patch('/user', { name }), 400, 'invalid_field', { field: 'name' });
      const username = { username: name };
      expectRefusal(await user.patch('/user', username), 400, 'invalid_field', { field: 'username' });
      const path = `/group/${answer.body.group.id}`;
      expectRefusal(await owner.patch(path, { name }), 400, 'invalid_field', { field: 'name' });
    }
    await profile({ username: 'Quentin' });
    expectRefusal(await user.patch('/user', { username: 'QUEN\u200dTIN' }), 400, 'username_taken');
  });
});

describe.each(paragraphs)('$what', ({ make }) => {
  it('has up to 1024 code points', async () => {
    const { answer, shown } = await make({ description: EMOJI.repeat(1024) });
    expect(answer.status).toBe(200);
    expect(shown.description).toBe(EMOJI.repeat(1024));
    for (const description of [EMOJI.repeat(1025), 'x'.repeat(1025)]) {
      expectRefusal((await make({ description })).answer, 400, 'invalid_field', { field: 'description' });
    }
  });

  it('may be empty, may be absent, and has line breaks', async () => {
    expect((await make({ description: '' })).shown.description).toBe('');
    expect((await make({})).shown.description).toBe('');
    const description = 'one\ntwo\r\nthree';
    expect((await make({ description })).shown.description).toBe(description);
  });

  it('has no other control characters, and is a string', async () => {
    for (const description of [...CONTROLS.map((control) => `a${control}b`), null, 1, [], 'half \udc00']) {
      expectRefusal((await make({ description })).answer, 400, 'invalid_field', { field: 'description' });
    }
  });
});

describe('two usernames', () => {
  const same: [string, string, string][] = [
    ['case', 'Zoe', 'zOE'],
    ['compatibility forms', 'Ｙｖｅｓ', 'yves'],
    ['a ligature', 'ﬁona', 'Fiona'],
    ['composition', 'Chlo\u00e9', 'CHLOE\u0301'],
    ['case outside ASCII', 'ЖЕНЯ', 'женя'],
    ['white space around them', ' walter ', 'walter'],
    ['white space within them', 'van\u2003dyke', 'van  dyke'],
    ['a zero width space', 'max', 'm\u200bax'],
    ['a filler at the end', 'nora', 'nora\u3164'],
    ['a Braille blank at the end', 'otto', 'otto \u2800'],
    ['controls of direction', 'paul', '\u2068paul\u2069\u200e'],
    ['a variation selector', 'heart ❤', 'heart ❤\ufe0f'],
    ['sharp s', 'weiß', 'WEISS'],
    ['the long s', 'susi', 'ſuſi'],
    ['the final sigma', 'σίσυφος', 'ΣΊΣΥΦΟΣ'],
    ['case of Cherokee', 'ᏣᎳᎩ', 'ꮳꮃꭹ'],
  ];
  it.each(same)('that differ only in %s are the same', async (_what, first, second) => {
    expect((await profile({ username: first })).shown.username).toBe(first.trim());
    expectRefusal((await profile({ username: second })).answer, 400, 'username_taken');
  });

  it.each([
    ['accents', 'rene', 'rené'],
    ['the script of a letter', 'pavel', 'раvel'],
    ['a dot', 'ılgaz', 'ilgaz'],
  ])('that differ in %s are two', async (_what, first, second) => {
    expect((await profile({ username: first })).answer.status).toBe(200);
    expect((await profile({ username: second })).answer.status).toBe(200);
  });

  it('are shown as they were written', async () => {
    expect((await profile({ username: 'Ünïcødé Ｘ' })).shown.username).toBe('Ünïcødé Ｘ');
  });
});
