/** Texts and secrets shorter than this could stand in a log by chance. */
const CHARACTERS_MIN = 10;
const LINE_CHARACTERS_MAX = 300;

const PATTERNS = [
  { what: 'a token', pattern: /eyJ[\w-]{6,}\.[\w-]*/ },
  { what: 'a token in a query', pattern: /access_token=/i },
  { what: 'an Authorization', pattern: /bearer[ .][\w-]{6,}/i },
] as const;

interface Watched {
  readonly output: { readonly text: string };
  readonly secrets: readonly string[];
}

/** Of this test file. */
const watched: Watched[] = [];
const said = new Set<string>();

/** From here on, what a server writes is looked at when the test file ends. More secrets may be added until then. */
export function watch(output: Watched['output'], secrets: readonly string[]): void {
  watched.push({ output, secrets });
}

/** A message's text was sent to a server of this test file. */
export function noteText(text: unknown): void {
  if (typeof text === 'string') said.add(text);
}

/** The leaks in everything that was watched, which is forgotten with this: the next file may have the same process. */
export function takeLeaks(): string[] {
  const leaks = watched.flatMap(({ output, secrets }) => leaksIn(output.text, secrets, said));
  watched.length = 0;
  said.clear();
  return leaks;
}

/** What must not stand in a log, each with the line in which it does. Tokens are told by what they look like. */
export function leaksIn(output: string, secrets: Iterable<string>, texts: Iterable<string>): string[] {
  const leaks: string[] = [];
  const tell = (what: string, index: number) => {
    const begin = output.lastIndexOf('\n', index) + 1;
    const line = output.slice(begin).split('\n', 1)[0] ?? '';
    leaks.push(`${what}: ${line.slice(0, LINE_CHARACTERS_MAX)}`);
  };
  for (const { what, pattern } of PATTERNS) {
    const index = output.search(pattern);
    if (index !== -1) tell(what, index);
  }
  for (const [what, values] of [['a secret', secrets] as const, ["a message's text", texts] as const]) {
    for (const value of values) {
      if (value.trim().length < CHARACTERS_MIN) continue;
      const index = Math.max(...spellings(value).map((spelling) => output.indexOf(spelling)));
      if (index !== -1) tell(what, index);
    }
  }
  return leaks;
}

/** A value as it is, in JSON, and in JSON that is told in JSON: a whole frame. */
function spellings(value: string): string[] {
  const once = JSON.stringify(value).slice(1, -1);
  return once === value ? [value] : [value, once, JSON.stringify(once).slice(1, -1)];
}
