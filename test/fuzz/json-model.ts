const DEPTH_MAX = 32;

/** What a JSON text of a client means; undefined when it is to be refused. Written for clearness alone. */
export function readJson(text: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isAllowed(text) ? { value } : undefined;
  } catch {
    return undefined;
  }
}

/** Of a valid text: whether no object has a key twice, and nothing is nested too deep. */
function isAllowed(text: string): boolean {
  /** The keys of each object that is open; of a list, none. */
  const open: Set<string>[] = [];
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\]:]/gs) ?? [];
  for (const [index, token] of tokens.entries()) {
    if (token === '{' || token === '[') {
      open.push(new Set());
      if (open.length > DEPTH_MAX) return false;
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (token === ':') {
      const key = JSON.parse(tokens[index - 1] ?? '""') as string;
      const keys = open.at(-1);
      if (keys?.has(key)) return false;
      keys?.add(key);
    }
  }
  return true;
}

export type Fields = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a field of an object holds, by the object's own keys. */
export function field(value: Fields, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** A text without NUL and lone surrogates, of so many characters. */
export function isText(value: unknown, min: number, max: number): value is string {
  if (typeof value !== 'string' || value.includes('\0')) return false;
  const characters = [...value];
  if (characters.some((one) => one.length === 1 && one >= '\ud800' && one <= '\udfff')) return false;
  return characters.length >= min && characters.length <= max;
}

/** Of what these tests send: whether there is nothing to see in a text. */
export function showsNothing(text: string): boolean {
  return /^[\s\p{Cc}\p{Cf}\uffff\u{10ffff}]*$/u.test(text);
}
