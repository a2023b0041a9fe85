import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** The content of the file. */
const CachedJwks = z.object({ url: z.string(), keySet: z.string() });

/** Stores a JWKS beyond the life of the process. */
export interface JwksStore {
  /** Returns the text that was written last, or undefined. */
  read(): string | undefined;
  write(jwks: string): void;
}

/** Caches the last valid JWKS of JWT_JWKS_URL in the data folder, for a process that starts while the URL fails. */
export class JwksCache implements JwksStore {
  readonly #path: string;
  readonly #url: string;

  constructor(dataDir: string, url: string) {
    this.#path = join(dataDir, 'jwks.json');
    this.#url = url;
  }

  /** Returns undefined when nothing is cached for this URL. */
  read(): string | undefined {
    try {
      const cached = CachedJwks.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
      return cached.url === this.#url ? cached.keySet : undefined;
    } catch {
      return undefined;
    }
  }

  /** Replaces the file at once, because several processes may write it. Errors: those of the file system. */
  write(jwks: string): void {
    const temporary = `${this.#path}.${process.pid}`;
    writeFileSync(temporary, JSON.stringify({ url: this.#url, keySet: jwks }), { mode: 0o600 });
    renameSync(temporary, this.#path);
  }
}
