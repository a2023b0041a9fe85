import type { Random } from '../../src/prove/random.js';
import { words, written } from './strings.js';

export type Created = 'user' | 'group';

/** Users that a group may be made of. */
export interface Cast {
  readonly owner: number;
  readonly other: number;
  /** The lanes' users have the ids from 1 to this. */
  readonly users: number;
}

/** Of a user that there is not. */
const NOBODY = 999_999_999_999;
const WRONG = [
  '1',
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '" "',
  '"\\ud800"',
  '"a\\u0000"',
  '"a\\u0007"',
  '1e999',
  '-1',
];
const NO_JSON = [
  '',
  '{',
  '{}',
  '[]',
  'null',
  '{"name":"x"',
  '{name:"x"}',
  '\ufeff{"name":"x"}',
  '{"name":"a\nb"}',
  'name=x',
];
const USERS = [
  '[]', '{}', 'null', '[1]', '["1"]', '[{"id":"1"}]', '[{"id":1.5}]', '[{"id":0}]', '[{"id":-1}]', '[{}]', '[null]',
  '[{"id":9007199254740992}]', `[{"id":${NOBODY}}]`, '[{"id":1e0}]', '[[]]',
]; // biome-ignore format: a table

type Pairs = (readonly [key: string, value: string])[];

/** The JSON of a profile or a group, valid or nearly so; what is valid has a name that begins with the tag. */
export function bodyJson(random: Random, of: Created, tag: string, cast: Cast): string {
  const pairs = fields(random, of, tag, cast);
  const kind = random.next();
  if (kind < 0.55) return object(random, pairs);
  if (kind < 0.62) return random.pick(NO_JSON);
  if (kind < 0.7)
    return object(
      random,
      pairs.filter((_, index) => index !== random.from(0, 2)),
    );
  if (kind < 0.76) return object(random, [...pairs, random.pick(pairs)]);
  if (kind < 0.82) return object(random, [...pairs, ['more', nested(random)]]);
  if (kind < 0.88) return object(random, changed(random, pairs, 'users', random.pick(USERS)));
  const [key] = random.pick(pairs);
  if (kind < 0.93) return object(random, changed(random, pairs, key, random.pick(WRONG)));
  const length = { name: 128, username: 64, description: 1024, client_id: 64 }[key] ?? 128;
  const text =
    tag + random.pick(['x', 'é', '😀']).repeat(Math.max(0, length - tag.length + random.from(-1, 1)));
  return object(random, changed(random, pairs, key, JSON.stringify(text)));
}

function fields(random: Random, of: Created, tag: string, { owner, other }: Cast): Pairs {
  const pairs: Pairs = [['name', written(random, tag + words(random, 4))]];
  if (of === 'user') pairs.push(['username', written(random, tag + words(random, 3))]);
  if (random.chance(0.5)) pairs.push(['description', written(random, words(random, 8))]);
  if (of === 'group' && random.chance(0.5))
    pairs.push([
      'users',
      random.pick([`[{"id":${other}}]`, `[{"id":${owner}},{"id":${other},"name":7},{"id":${other}}]`]),
    ]);
  if (of === 'group' && random.chance(0.1)) pairs.push(['client_id', written(random, tag)]);
  if (random.chance(0.05)) pairs.push(['__proto__', '{"name":"x"}']);
  return pairs;
}

function changed(random: Random, pairs: Pairs, name: string, value: string): Pairs {
  const others = pairs.filter(([key]) => key !== name);
  return random.chance(0.5) ? [...others, [name, value]] : [[name, value], ...others];
}

function nested(random: Random): string {
  const depth = random.pick([2, 30, 31, 32, 33, 1000]);
  return `${'['.repeat(depth)}${']'.repeat(depth)}`;
}

function object(random: Random, pairs: Pairs): string {
  const space = random.pick(['', '', ' ', '\r\n\t']);
  return `{${space}${pairs.map(([key, value]) => `"${key}"${space}:${value}`).join(`,${space}`)}}${space}`;
}
