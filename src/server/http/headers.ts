import type { HttpRequest } from 'uWebSockets.js';

/** Headers that must not come twice: two readers of one request could understand two requests. */
const SINGLE = ['content-length', 'host', 'transfer-encoding', 'authorization'];

/**
 * A request's headers, copied out of the engine: names in lower case and values in turn, as they came. They are few
 * and asked for twice or so, for which a Map of them costs more than it saves.
 */
export class Headers {
  readonly #fields: string[] = [];

  constructor(req: HttpRequest) {
    const fields = this.#fields;
    req.forEach((name, value) => {
      fields.push(name, value);
    });
  }

  /** The value, or the values with commas between them; undefined when there is none. */
  get(name: string): string | undefined {
    let found: string | undefined;
    for (let at = 0; at < this.#fields.length; at += 2) {
      if (this.#fields[at] !== name) continue;
      const value = this.#fields[at + 1] ?? '';
      found = found === undefined ? value : `${found}, ${value}`;
    }
    return found;
  }

  /** Whether every server must read the same request from them. */
  areClear(): boolean {
    for (const name of SINGLE) if (this.#count(name) > 1) return false;
    const length = this.get('content-length');
    const encoding = this.get('transfer-encoding');
    if (encoding !== undefined) return length === undefined && encoding.toLowerCase() === 'chunked';
    return length === undefined || /^\d{1,10}$/.test(length);
  }

  #count(name: string): number {
    let count = 0;
    for (let at = 0; at < this.#fields.length; at += 2) if (this.#fields[at] === name) count += 1;
    return count;
  }
}
