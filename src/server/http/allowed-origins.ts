/** An origin of the web as programs write it: in letters of any case, perhaps with the default port or the scheme of a WebSocket. */
const WEB_ORIGIN = /^(?:http|ws)s?:\/\/(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{1,5})?$/i;
/** The origin of an app or an extension, with a scheme of its own. */
const APP_ORIGIN = /^(?!(?:https?|wss?|ftp|file):)[a-z][a-z\d+.-]*:\/\/[\w.-]+(?::\d{1,5})?$/;
const WILDCARD = /^(https?:\/\/)\*(\.[^*]+)$/;
const WILDCARD_RULE =
  'a * may stand for the first label before two others or localhost, as in https://*.chat.example or http://*.localhost:3000';
const LABEL = /^[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?$/;

/** The origin in the form that browsers send, of http or https; undefined for what is none of the web. */
export function webOrigin(text: string): string | undefined {
  const url = text.replace(/^ws/i, 'http');
  return WEB_ORIGIN.test(text) && URL.canParse(url) ? new URL(url).origin : undefined;
}

/**
 * What is wrong with an entry of ALLOWED_ORIGINS, to be read after that name; undefined when it is an origin as browsers
 * and apps send it, or one with `*` for its first label.
 */
export function problemOfOrigin(entry: string): string | undefined {
  const named = `has ${JSON.stringify(entry)}`;
  if (entry === '') return 'has an entry that is empty';
  if (entry === '*') return `${named}: leave the setting out to allow all origins`;
  if (entry === 'null' || entry.startsWith('file:'))
    return `${named}: any local file or sandboxed page may send this, so it cannot be allowed`;
  if (entry.includes('*')) return isWildcard(entry) ? undefined : `${named}: ${WILDCARD_RULE}`;
  const sent = sentFor(entry);
  if (sent === undefined)
    return `${named}, which is no origin such as https://chat.example or app://localhost`;
  return sent === entry ? undefined : `${named}: browsers send this as ${sent}`;
}

/** Origins and patterns that `problemOfOrigin` finds nothing wrong with. */
export class AllowedOrigins {
  readonly #exact: ReadonlySet<string>;
  readonly #patterns: readonly (readonly [before: string, behind: string])[];

  constructor(entries: readonly string[]) {
    this.#exact = new Set(entries.filter((entry) => !entry.includes('*')));
    this.#patterns = entries.flatMap((entry) => {
      const [, before = '', behind = ''] = WILDCARD.exec(entry) ?? [];
      return before === '' ? [] : [[before, behind]];
    });
  }

  /** Whether an `Origin` is one of them, letter for letter, but for the one label that a `*` stands for. */
  has(origin: string): boolean {
    return this.#exact.has(origin) || this.#patterns.some((pattern) => matches(origin, pattern));
  }
}

function matches(origin: string, [before, behind]: readonly [string, string]): boolean {
  if (!origin.startsWith(before) || !origin.endsWith(behind)) return false;
  return LABEL.test(origin.slice(before.length, -behind.length));
}

function isWildcard(entry: string): boolean {
  const one = entry.replace('*', 'x');
  if (!WILDCARD.test(entry) || webOrigin(one) !== one) return false;
  const [, ...parents] = new URL(one).hostname.split('.').filter((label) => label !== '');
  return parents.length >= 2 || parents[0] === 'localhost';
}

/** What browsers and apps send for pages at this address. */
function sentFor(entry: string): string | undefined {
  const url = URL.canParse(entry) ? new URL(entry) : undefined;
  if (url === undefined || url.username + url.password !== '') return undefined;
  const origin = `${url.protocol}//${url.host}`;
  return APP_ORIGIN.test(origin) ? origin : webOrigin(origin);
}
