import { describe, expect, it } from 'vitest';
import { Id, parseCount, parseId } from '../../src/chat/ids.js';

const REFUSED_BY_BOTH = [
  '',
  ' 1',
  '1 ',
  '1\n',
  '+1',
  '-1',
  '1.0',
  '1e3',
  '0x1',
  '1_000',
  '١',
  'NaN',
  'Infinity',
  '%31',
  'null',
];

describe('parseId', () => {
  it.each([
    ['1', 1],
    ['42', 42],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('reads %s', (text, id) => {
    expect(parseId(text)).toBe(id);
  });

  it.each([
    ...REFUSED_BY_BOTH,
    '0',
    '01',
    '00',
    '9007199254740992',
    '99999999999999999',
    '9'.repeat(400),
  ])('refuses %j', (text) => {
    expect(parseId(text)).toBeUndefined();
  });
});

describe('parseCount', () => {
  it.each([
    ['0', 0],
    ['1', 1],
    ['007', 7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740992', Number.MAX_SAFE_INTEGER],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
  ])('reads %s', (text, count) => {
    expect(parseCount(text)).toBe(count);
  });

  it.each(REFUSED_BY_BOTH)('refuses %j', (text) => {
    expect(parseCount(text)).toBeUndefined();
  });
});

describe('Id', () => {
  it.each([1, 42, Number.MAX_SAFE_INTEGER])('takes %d', (id) => {
    expect(Id.parse(id)).toBe(id);
  });

  it.each([
    [0],
    [-1],
    [1.5],
    [Number.MAX_SAFE_INTEGER + 1],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    ['1'],
    [null],
    [undefined],
    [true],
    [1n],
  ])('refuses %s', (id) => {
    expect(Id.safeParse(id).success).toBe(false);
  });
});
