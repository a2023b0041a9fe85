import type { HttpRequest } from 'uWebSockets.js';

/** Headers that must not come twice, because two readers of one request could understand two requests. */
const SINGLE = ['content-length', 'host', 'transfer-encoding', 'authorization'];

/**
 * A request's headers, copied out of the engine. One list has a name in lower case, its value, the next name, and so
 * on: they are few and read about twice, so that a Map would cost more than it saves.
 */
export class Headers {
  readonly #fields: string[] = [];

  constructor(req: HttpRequest) {
    const fields = this.#fields;
    req.forEach((name, value) => {
      fields.push(name, value);
    });
  }

  /** The value of a header, or its values with commas between them; undefined when there is none. */
  get(name: string): string | undefined {
    let found: string | undefined;
    for (let at = 0; at < this.#fields.length; at += 2) {
      if (this.#fields[at] !== name) continue;
      const value = this.#fields[at + 1] ?? '';
      found = found === undefined ? value : `${found}, ${value}`;
    }
    return found;
  }

  /** Whether every server reads the same request from them (RFC 9112, 6.3 and 11.2). */
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
