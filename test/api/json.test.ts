import { describe, expect, it } from 'vitest';
import { JSON_CONTAINERS_MAX, JSON_DEPTH_MAX, JSON_VALUES_MAX, parseJson } from '../../src/api/json.js';
import { bombs } from '../support/bombs.js';
import { processorMs, smallestRatio } from '../support/measure.js';

const read = (text: string) => parseJson(text, 'invalid_json');
const refusal = expect.objectContaining({ name: 'ChatError', code: 'invalid_json' });
const nested = (depth: number, open: string, close: string, inner = '') =>
  `${open.repeat(depth)}${inner}${close.repeat(depth)}`;

describe('a JSON text', () => {
  it.each([
    '{}',
    '[]',
    'null',
    ' 7 ',
    '"{[:"',
    '["a","b:","{"]',
    '{"type":"message","text":"hello"}',
    '{"type":"message","text":""}',
    ' {"type" :"typing" }\r\n\t',
    '{"text":"\\" \\\\"}',
    '{"text":"\\\\","more":"\\\\\\" : {"}',
    '{"text":"see: {a} [b]","client_id":":"}',
    '{"a":{"a":{"a":[{"a":1},{"a":2}]}},"b":"a"}',
    '{"a":"1","A":"1","a ":"1","":"1"}',
    '{"1":"a","01":"b","1.0":"c"}',
    '{"é":"1","e\u0301":"2"}',
    '{"__proto__":{"name":"p"},"constructor":"c","toString":"t"}',
    '{"__proto__":"p"}',
    '{"text":"\u2028 👋 \ufeff","\u2029":"é"}',
    nested(JSON_DEPTH_MAX, '[', ']'),
    nested(JSON_DEPTH_MAX, '{"a":', '}', '1'),
    nested(JSON_DEPTH_MAX / 2, '[{"a":', '}]', '"]]{{"'),
    `[${nested(JSON_DEPTH_MAX - 1, '[', ']')},${nested(JSON_DEPTH_MAX - 1, '[', ']')}]`,
    JSON.stringify(nested(1000, '[', ']')),
  ])('%s is what JSON.parse makes of it', (text) => {
    expect(read(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['{"type":"message","type":"typing"}'],
    ['{"a":1,"a":1}'],
    ['{"a":"1","a":"1"}'],
    ['{"a":"","a":""}'],
    ['{"a":"1","\\u0061":"1"}'],
    ['{"\\u0061":"1","\\u0061":"1"}'],
    ['{"\\/":"1","/":"1"}'],
    ['{"😀":"1","\\ud83d\\ude00":"2"}'],
    ['{"":"","":""}'],
    ['{"a": "1", "b": "2", "a": "3"}'],
    ['{"1":"a","1":"b"}'],
    ['{"__proto__":"1","__proto__":"1"}'],
    ['{"__proto__":{},"\\u005f_proto__":{}}'],
    ['{"a":{"b":1,"b":2}}'],
    ['[1,{"b":[{"c":1,"c":2}]}]'],
    ['{"a":{"b":1},"a":null}'],
    ['{"a":null,"a":{"b":1}}'],
    ['{"a":[],"a":[]}'],
    ['{"a":"::","a":"\\":"}'],
  ])('%s has a key twice, and is refused', (text) => {
    expect(() => JSON.parse(text)).not.toThrow();
    expect(() => read(text)).toThrow(refusal);
  });

  it.each([
    nested(JSON_DEPTH_MAX + 1, '[', ']'),
    nested(JSON_DEPTH_MAX + 1, '{"a":', '}', '1'),
    nested(JSON_DEPTH_MAX / 2, '[{"a":', '}]', '[]'),
    `{"type":"message","text":"x","more":${nested(JSON_DEPTH_MAX, '[', ']')}}`,
    `["]]]]",${nested(JSON_DEPTH_MAX, '[', ']')}]`,
    nested(10_000, '[', ']'),
  ])('%s is too deep, and is refused', (text) => {
    expect(() => JSON.parse(text)).not.toThrow();
    expect(() => read(text)).toThrow(refusal);
  });

  it.each([
    '',
    ' ',
    '{',
    '}',
    ']',
    '"',
    '{"a":"1"',
    '{"a":"1"}}',
    '{"a":"1",}',
    '{"a" "1"}',
    '{a:"1"}',
    "{'a':'1'}",
    '{"a":"\n"}',
    '{"a":"\u0000"}',
    '\u0000',
    '{"a":"\\u00"}',
    '{"a":"\\',
    '{"a":01}',
    '[1]//',
    '\ufeff{}',
    'NaN',
    nested(JSON_DEPTH_MAX + 1, '[', ''),
  ])('%j is none, and is refused', (text) => {
    expect(() => read(text)).toThrow(refusal);
  });

  it('of a frame is refused as a frame', () => {
    for (const text of ['{', '{"a":1,"a":1}', nested(33, '[', ']')]) {
      expect(() => parseJson(text, 'invalid_frame')).toThrow(
        expect.objectContaining({ code: 'invalid_frame' }),
      );
    }
  });

  it('pollutes nothing', () => {
    const value = read('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}');
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('has so many values, and not one more', () => {
    const list = (count: number) => `[${Array(count - 1).fill('""')}]`;
    const object = (count: number) => `{${Array.from({ length: count - 1 }, (_, n) => `"${n}":"x"`)}}`;
    expect(read(list(JSON_VALUES_MAX))).toHaveLength(JSON_VALUES_MAX - 1);
    expect(() => read(list(JSON_VALUES_MAX + 1))).toThrow(refusal);
    expect(Object.keys(read(object(JSON_VALUES_MAX)) as object)).toHaveLength(JSON_VALUES_MAX - 1);
    expect(() => read(object(JSON_VALUES_MAX + 1))).toThrow(refusal);
  });

  it('has so many objects and lists, and not one more', () => {
    const lists = (count: number) => `[${Array(count - 1).fill('[]')}]`;
    expect(read(lists(JSON_CONTAINERS_MAX))).toHaveLength(JSON_CONTAINERS_MAX - 1);
    expect(() => read(lists(JSON_CONTAINERS_MAX + 1))).toThrow(refusal);
  });
});

describe('1 MiB', () => {
  /** Of what JSON.parse takes for as much of ordinary messages: 50 ms where that is 3. */
  const TIMES_MAX = 16;
  const message = { type: 'message', text: 'a message of the usual length, that says something' };
  const ordinary = JSON.stringify(
    Array.from({ length: 11_000 }, (_, n) => ({ ...message, client_id: `c${n}` })),
  );

  /** Processor time; a refusal, too, takes its time. */
  const cost = (parse: () => unknown) =>
    processorMs(() => {
      try {
        parse();
      } catch (error) {
        expect(error).toEqual(refusal);
      }
    });

  it.each(Object.entries(bombs))('of %s does not hold up the others', async (_what, text) => {
    expect(text.length).toBeGreaterThan(1_047_000);
    expect(ordinary.length).toBeGreaterThan(1_047_000);
    const control = () => cost(() => JSON.parse(ordinary));
    const measured = () => cost(() => read(text));
    expect(await smallestRatio({ measured, control, enough: TIMES_MAX })).toBeLessThanOrEqual(TIMES_MAX);
  });
});
