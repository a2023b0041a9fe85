import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { ChatError } from '../../chat/errors.js';

const FETCH_MS_MAX = 5000;
const SET_BYTES_MAX = 1024 * 1024;
/** A key that is not there may be new: the set is asked for again, but not more often than this. */
const ASK_EVERY_MS_MIN = 5000;
const REFRESH_MS = 10 * 60_000;
const REFRESH_AGAIN_MS = 30_000;

/** Where the last good set outlives the process. */
export interface CachedJwks {
  read(): string | undefined;
  write(keySet: string): void;
}

export interface JwksEvents {
  /** The set is another one than before. */
  changed(): void;
  /** It could not be had; the one before stays in use. */
  failed(error: unknown): void;
  /** It is in use, and could not be kept; that is tried again when it is read again. */
  notCached(error: unknown): void;
}

/**
 * The keys of a login that changes them (RFC 7517), fetched from its URL. jose's own remote set gives up a good
 * set when it is old and the URL fails, and asks for each token as long as it fails; this one does neither.
 */
export class Jwks {
  readonly #url: string;
  readonly #events: JwksEvents;
  readonly #kept: CachedJwks | undefined;
  #find: JWTVerifyGetKey | undefined;
  #text = '';
  #keptText = '';
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(url: string, events: JwksEvents, kept?: CachedJwks) {
    this.#url = url;
    this.#events = events;
    this.#kept = kept;
    void this.#ask();
  }

  /** The key for a token. Errors: jose's; unavailable, as long as the set could never be had. */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    if (this.#find === undefined) await this.#ask();
    if (this.#find === undefined) throw new ChatError('unavailable');
    try {
      return await this.#find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await this.#ask();
    return this.#find(header, token);
  };

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Resolves when the set is as new as it can be had now. */
  #ask(): Promise<void> {
    const now = performance.now();
    if (this.#asking === undefined && now - this.#askedAt >= ASK_EVERY_MS_MIN) {
      this.#askedAt = now;
      this.#asking = this.#fetch().finally(() => {
        this.#asking = undefined;
      });
    }
    return this.#asking ?? Promise.resolve();
  }

  async #fetch(): Promise<void> {
    clearTimeout(this.#timer);
    let again = REFRESH_AGAIN_MS;
    try {
      this.#take(await textAt(this.#url));
      this.#keep();
      again = REFRESH_MS;
    } catch (error) {
      this.#events.failed(error);
      if (this.#find === undefined) this.#takeKept();
    }
    if (!this.#closed) this.#timer = setTimeout(() => void this.#ask(), again).unref();
  }

  /** Errors: jose's, for what is no set. */
  #take(text: string): void {
    if (text === this.#text) return;
    this.#find = createLocalJWKSet(JSON.parse(text));
    this.#text = text;
    this.#events.changed();
  }

  #takeKept(): void {
    const kept = this.#kept?.read();
    if (kept === undefined) return;
    try {
      this.#take(kept);
    } catch (error) {
      this.#events.failed(error);
    }
  }

  #keep(): void {
    if (this.#text === this.#keptText) return;
    try {
      this.#kept?.write(this.#text);
      this.#keptText = this.#text;
    } catch (error) {
      this.#events.notCached(error);
    }
  }
}

async function textAt(url: string): Promise<string> {
  const signal = AbortSignal.timeout(FETCH_MS_MAX);
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal,
  });
  if (response.body === null) throw new Error(`${url} answered nothing`);
  // The stream has the signal as well: fetch forgets it after the head, when its request is collected as garbage.
  const body = Readable.fromWeb(response.body as ReadableStream, { signal });
  if (response.status !== 200) {
    body.destroy();
    throw new Error(`${url} answered ${response.status}`);
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > SET_BYTES_MAX) throw new Error(`${url} answered with more than a set of keys`);
    pieces.push(piece);
  }
  return new TextDecoder().decode(Buffer.concat(pieces));
}
