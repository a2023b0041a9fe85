import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const Kept = z.object({ url: z.string(), keySet: z.string() });

/** Keeps the last good set of keys of JWT_JWKS_URL, for a process that starts while the URL fails. */
export class JwksCache {
  readonly #path: string;
  readonly #url: string;

  constructor(dataDir: string, url: string) {
    this.#path = join(dataDir, 'jwks.json');
    this.#url = url;
  }

  /** Undefined when there is none, or only one of another URL. */
  read(): string | undefined {
    try {
      const kept = Kept.parse(JSON.parse(readFileSync(this.#path, 'utf8')));
      return kept.url === this.#url ? kept.keySet : undefined;
    } catch {
      return undefined;
    }
  }

  /** Several processes may write at once: the file is always one of theirs, whole. Errors: those of the file system. */
  write(keySet: string): void {
    const temporary = `${this.#path}.${process.pid}`;
    writeFileSync(temporary, JSON.stringify({ url: this.#url, keySet }), { mode: 0o600 });
    renameSync(temporary, this.#path);
  }
}
