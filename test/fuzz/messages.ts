import type { Random } from '../../src/prove/random.js';
import { words, written } from './strings.js';

/** Values that are no text. */
const NO_TEXTS = ['1', '0', '-1', '1e3', 'null', 'true', '[]', '{}', '["a"]', '{"text":"a"}', '1e999'];
const NO_STRINGS = ['"\\ud800"', '"a\\udc00b"', '"\\u0000"', '"a\\u0000b"', '""'];
const BLANK = ['" "', '"\\n\\t\\u00a0"', '"\\u2003"'];
/** What is not JSON, or not an object. */
const NO_OBJECTS = [
  '', ' ', '{', '}', '[]', 'null', '1', '"text"', '{"type"', '{"type":"message","text":"x"', "{'type':'message'}",
  '{"type":"message","text":"x",}', '{type:"message"}', '\ufeff{"type":"typing"}', '{"type":"message","text":"a\nb"}',
  '{"type":"message","text":"\\x"}', '{"type":"message","text":"\\u12"}', '{"type":NaN}', '{"type":01}',
  '{"type":"typing"}{"type":"typing"}', '/**/{"type":"typing"}', '[{"type":"message","text":"x"}]', 'undefined',
]; // biome-ignore format: a table

/** What is within and around the bounds: of characters of a text, of bytes of a frame and of what the engine takes. */
const LENGTHS = [4095, 4096, 4097];
const SIZES = [61_439, 61_440, 61_441, 65_535, 65_536, 65_537];

/** The JSON text of one frame of a client, valid or nearly so. A text that is valid begins with the tag. */
export function frameJson(random: Random, tag: string): string {
  const kind = random.next();
  if (kind < 0.5) return object(random, message(random, tag));
  if (kind < 0.58) return object(random, [['type', random.pick(['"typing"', '"stop_typing"'])]]);
  if (kind < 0.66) return object(random, almost(random, tag));
  if (kind < 0.72) return random.pick(NO_OBJECTS);
  if (kind < 0.76) return object(random, twice(random, tag));
  if (kind < 0.8) return nested(random, tag);
  if (kind < 0.83) return object(random, [['type', type(random)], ...message(random, tag).slice(1)]);
  if (kind < 0.84) return object(random, [...message(random, tag), answering(random)]);
  if (kind < 0.88)
    return object(random, [
      ['type', '"auth"'],
      ['token', random.pick(NO_TEXTS)],
    ]);
  if (kind < 0.92) return object(random, ping(random, tag));
  if (kind < 0.98)
    return object(random, [
      ['type', '"message"'],
      ['text', written(random, tag + words(random, 12))],
    ]);
  return long(random, tag);
}

type Pairs = (readonly [key: string, value: string])[];

function message(random: Random, tag: string): Pairs {
  const pairs: Pairs = [
    ['type', '"message"'],
    ['text', written(random, `${tag} ${words(random, 6)}`)],
  ];
  if (random.chance(0.3)) pairs.push(['client_id', written(random, clientId(random, tag))]);
  if (random.chance(0.2)) pairs.push(['author', '{"id":1,"name":"somebody else"}']);
  if (random.chance(0.1))
    pairs.push([random.pick(['__proto__', 'constructor', 'id', 'toString']), '{"text":"x"}']);
  return pairs;
}

function ping(random: Random, tag: string): Pairs {
  const id = random.pick([...NO_TEXTS, ...NO_STRINGS, '9007199254740992', '-0', '1.5', JSON.stringify(tag)]);
  return [['type', '"ping"'], ...(random.chance(0.7) ? [['id', id] as const] : [])];
}

/** One that this session may have said before, or one of its own. */
function clientId(random: Random, tag: string): string {
  const session = tag.split('.')[0] ?? '';
  if (random.chance(0.3)) return `${session}-${random.from(0, 2)}`;
  if (random.chance(0.1)) return `${tag}${'😀'.repeat(64 - tag.length)}`;
  return `${tag}${random.pick(['', 'é', '\u2028', '"'])}`;
}

/** A message with one field that is wrong. */
function almost(random: Random, tag: string): Pairs {
  const pairs = message(random, tag).filter(([key]) => key !== 'client_id');
  const wrong = random.pick([...NO_TEXTS, ...NO_STRINGS]);
  if (random.chance(0.3))
    return [...pairs, ['client_id', random.pick(['""', '1', `"${'x'.repeat(65)}"`, wrong])]];
  if (random.chance(0.3)) return pairs.filter(([key]) => key !== 'text');
  return pairs.map(([key, value]) => [key, key === 'text' ? random.pick([wrong, ...BLANK]) : value] as const);
}

/** What a reply or a mention cannot be. */
function answering(random: Random): Pairs[number] {
  return random.chance(0.5)
    ? ['reply_to', random.pick(['null', 'true', '"x"', '[]', '{}'])]
    : ['mentions', random.pick(['null', 'true', '"x"', '{}', '["x"]', '[null]', '[[]]'])];
}

/** A key that comes twice, the second time perhaps in other letters. */
function twice(random: Random, tag: string): Pairs {
  const pairs = message(random, tag);
  const [key, value] = random.pick(pairs);
  const other = random.chance(0.5) ? value : random.pick(['"x"', '1', 'null']);
  return [...pairs, [random.chance(0.5) ? key : `\0${key}`, other]];
}

/** A message beside something deep, or a deep thing alone. */
function nested(random: Random, tag: string): string {
  const depth = random.pick([2, 30, 31, 32, 33, 100, 1000, 10_000]);
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"a":', '}'],
    ['[{"a":[', ']}]'],
  ] as const);
  const count = Math.ceil(depth / (open.match(/[[{]/g)?.length ?? 1));
  const deep = `${open.repeat(count)}1${random.chance(0.9) ? close.repeat(count) : ''}`;
  return random.chance(0.2) ? deep : object(random, [...message(random, tag), ['deep', deep]]);
}

function type(random: Random): string {
  return random.pick([
    '"Message"',
    '"message "',
    '"history"',
    '"error"',
    '"last_message"',
    '"edit"',
    '"delete"',
    '"react"',
    '"__proto__"',
    '1',
    'null',
    '[]',
  ]);
}

/** Texts and frames that are as long as they may be, or a little longer. */
function long(random: Random, tag: string): string {
  if (random.chance(0.7)) {
    const length = random.pick(LENGTHS);
    const unit = random.pick(['x', 'é', '漢', '😀']);
    return object(random, [
      ['type', '"message"'],
      ['text', JSON.stringify(tag + unit.repeat(length - tag.length))],
    ]);
  }
  const bytes = random.pick(SIZES);
  const padded = (padding: string) => `{"type":"message","text":"${tag}","padding":"${padding}"}`;
  return padded('x'.repeat(bytes - padded('').length));
}

/** The pairs in any order, with any white space between them. A NUL before a key: written with escapes. */
function object(random: Random, pairs: Pairs): string {
  const turned = random.chance(0.2) ? [...pairs].reverse() : pairs;
  const space = random.pick(['', '', '', ' ', '\n', '\t \r\n']);
  const fields = turned.map(([key, value]) => `${keyJson(key)}${space}:${space}${value}`);
  return `${space}{${space}${fields.join(`${space},${space}`)}${space}}${space}`;
}

function keyJson(key: string): string {
  if (!key.startsWith('\0')) return JSON.stringify(key);
  return `"\\u${key.charCodeAt(1).toString(16).padStart(4, '0')}${key.slice(2)}"`;
}
