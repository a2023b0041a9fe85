import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { errors, type JWTVerifyGetKey, type JWTVerifyOptions, type JWTVerifyResult } from 'jose';
import { ChatError } from '../../chat/errors.js';
import type { JwksStore } from './jwks-cache.js';
import { KeySet, verifyWith } from './key-set.js';

const FETCH_MS_MAX = 5000;
const JWKS_BYTES_MAX = 1024 * 1024;
/** A token may name a new key that the JWKS does not hold yet: it is fetched again, but at most this often. */
const FETCH_EVERY_MS_MIN = 5000;
const REFRESH_MS = 10 * 60_000;
const RETRY_MS = 30_000;

export interface JwksEvents {
  /** The JWKS differs from the one before. */
  changed(): void;
  /** The JWKS could not be fetched or used. The one before stays in use. */
  failed(error: unknown): void;
  /** The JWKS is in use, but could not be stored. The next fetch tries again. */
  notStored(error: unknown): void;
}

/**
 * The JWKS (RFC 7517) of a login that rotates its keys, fetched from a URL. jose's remote JWKS is not used, because it
 * drops a valid but old JWKS when the URL fails, and then fetches again for each token.
 */
export class Jwks {
  readonly #url: string;
  readonly #events: JwksEvents;
  readonly #store: JwksStore | undefined;
  #keys: KeySet | undefined;
  /** The JWKS in use, and the one in the store. */
  #text = '';
  #storedText = '';
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(url: string, events: JwksEvents, store?: JwksStore) {
    this.#url = url;
    this.#events = events;
    this.#store = store;
    void this.#refresh();
  }

  /** Errors: jose's; unavailable while no JWKS could be fetched. */
  verify(token: string, rules: JWTVerifyOptions): Promise<JWTVerifyResult> {
    return verifyWith(this.#findKey, token, rules);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  readonly #findKey: JWTVerifyGetKey = async (header, token) => {
    if (this.#keys === undefined) await this.#refresh();
    if (this.#keys === undefined) throw new ChatError('unavailable');
    const found = await unlessMissing(this.#keys.find(header, token));
    if (found !== undefined) return found;
    await this.#refresh();
    const { find, findNameless } = this.#keys;
    return (await unlessMissing(find(header, token))) ?? findNameless(header, token);
  };

  /** Resolves when a fetch has ended, or at once when the last one is too recent. */
  #refresh(): Promise<void> {
    const now = performance.now();
    if (this.#fetching === undefined && now - this.#fetchedAt >= FETCH_EVERY_MS_MIN) {
      this.#fetchedAt = now;
      this.#fetching = this.#fetch().finally(() => {
        this.#fetching = undefined;
      });
    }
    return this.#fetching ?? Promise.resolve();
  }

  async #fetch(): Promise<void> {
    clearTimeout(this.#timer);
    let nextMs = RETRY_MS;
    try {
      this.#use(await textAt(this.#url));
      this.#writeStore();
      nextMs = REFRESH_MS;
    } catch (error) {
      this.#events.failed(error);
      if (this.#keys === undefined) this.#useStored();
    }
    if (!this.#closed) this.#timer = setTimeout(() => void this.#refresh(), nextMs).unref();
  }

  /** Errors: jose's, for a text that is no JWKS. */
  #use(text: string): void {
    if (text === this.#text) return;
    this.#keys = new KeySet(JSON.parse(text));
    this.#text = text;
    this.#events.changed();
  }

  #useStored(): void {
    const stored = this.#store?.read();
    if (stored === undefined) return;
    try {
      this.#use(stored);
    } catch (error) {
      this.#events.failed(error);
    }
  }

  #writeStore(): void {
    if (this.#text === this.#storedText) return;
    try {
      this.#store?.write(this.#text);
      this.#storedText = this.#text;
    } catch (error) {
      this.#events.notStored(error);
    }
  }
}

/** Resolves to undefined when no key of the JWKS matches. */
async function unlessMissing<Key>(found: Key): Promise<Awaited<Key> | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return undefined;
    throw error;
  }
}

async function textAt(url: string): Promise<string> {
  const signal = AbortSignal.timeout(FETCH_MS_MAX);
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal,
  });
  if (response.body === null) throw new Error(`${url} answered without a body`);
  // The stream gets the signal as well, because fetch drops it once its request is collected as garbage.
  const body = Readable.fromWeb(response.body as ReadableStream, { signal });
  if (response.status !== 200) {
    body.destroy();
    throw new Error(`${url} answered ${response.status}`);
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > JWKS_BYTES_MAX) throw new Error(`${url} answered with more than ${JWKS_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  return new TextDecoder().decode(Buffer.concat(pieces));
}
