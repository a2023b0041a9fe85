import { describe, expect, it } from 'vitest';
import { callerOf, NewProfile } from '../../src/chat/users.js';

const FOX = '🦊'; // One character, two UTF-16 units.
const LONE = '\ud83e';

describe('callerOf', () => {
  it.each([
    [1, 1],
    [42, 42],
    [999_999_999_999, 999_999_999_999],
    [1.0, 1],
    ['1', 1],
    ['42', 42],
    ['999999999999', 999_999_999_999],
  ])('takes %j for the user id itself', (claim, id) => {
    expect(callerOf(claim)).toEqual({ id });
  });

  it.each([
    '007',
    '0',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    '1\n',
    '١',
    '1000000000000',
    '9007199254740993',
    'auth0|64f1',
    '8f14e45f-ceea-467f-9b3c-3b6a1f0e2a11',
    'null',
    '__proto__',
    ' ',
    'x'.repeat(255),
    FOX.repeat(255),
  ])('takes %j for a subject', (claim) => {
    expect(callerOf(claim)).toEqual({ subject: claim });
  });

  it.each([
    [''],
    ['x'.repeat(256)],
    [FOX.repeat(256)],
    [LONE],
    [`auth0|${LONE}`],
    [0],
    [-1],
    [1.5],
    [1_000_000_000_000],
    [Number.MAX_SAFE_INTEGER],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [undefined],
    [null],
    [true],
    [['1']],
    [{ id: 1 }],
  ])('takes %j for nobody', (claim) => {
    expect(callerOf(claim)).toBeUndefined();
  });
});

describe('NewProfile', () => {
  it('trims, and makes the description empty when there is none', () => {
    const parsed = NewProfile.parse({ username: ' al ', name: '\tAlice\n', other: 1 });
    expect(parsed).toEqual({ username: 'al', name: 'Alice', description: '' });
  });

  it.each([
    [{ username: 'u'.repeat(64), name: 'n'.repeat(128), description: 'd'.repeat(1024) }],
    [{ username: FOX.repeat(64), name: FOX.repeat(128), description: FOX.repeat(1024) }],
    [{ username: ` ${'u'.repeat(64)} `, name: 'n' }],
    [{ username: 'u', name: 'n', description: 'a\r\nb\tc\n' }],
    [{ username: 'u', name: 'n', description: '\u200b\u202e' }],
  ])('takes what is just allowed (%#)', (profile) => {
    expect(NewProfile.safeParse(profile).success).toBe(true);
  });

  it.each([
    ['username', { username: '', name: 'n' }],
    ['username', { username: '  \n ', name: 'n' }],
    ['username', { username: 'u'.repeat(65), name: 'n' }],
    ['username', { username: FOX.repeat(65), name: 'n' }],
    ['username', { username: 'a\nb', name: 'n' }],
    ['username', { username: '\u3164', name: 'n' }],
    ['username', { username: '\u202ea', name: 'n' }],
    ['name', { username: 'u', name: '\u200b\u2800' }],
    ['name', { username: 'u', name: 'n\u202e' }],
    ['username', { username: `a${LONE}`, name: 'n' }],
    ['username', { username: 1, name: 'n' }],
    ['username', { name: 'n' }],
    ['name', { username: 'u', name: 'n'.repeat(129) }],
    ['name', { username: 'u', name: 'a\u0000b' }],
    ['name', { username: 'u', name: 'a\u0085b' }],
    ['name', { username: 'u', name: null }],
    ['description', { username: 'u', name: 'n', description: 'd'.repeat(1025) }],
    ['description', { username: 'u', name: 'n', description: '\u001b[31m' }],
    ['description', { username: 'u', name: 'n', description: LONE }],
    ['description', { username: 'u', name: 'n', description: null }],
  ])('refuses with the path %s (%#)', (field, profile) => {
    const { error } = NewProfile.safeParse(profile);
    expect(error?.issues[0]?.path).toEqual([field]);
  });

  it.each([[null], [[]], ['text'], [undefined], [1]])('refuses %j as a whole', (value) => {
    expect(NewProfile.safeParse(value).error?.issues[0]?.path).toEqual([]);
  });
});
