import { Agent, request } from 'node:http';

const TRIES_MAX = 8;
const RETRY_MS = 50;
const BROKEN = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE']);

/** An HTTP client that keeps its connections, and tries again when one breaks or the answer is 503. */
export class RetryingClient {
  /** What it did not have to show to anyone: by the error's code or the status, how often it tried again. */
  readonly retried = new Map<string, number>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 50 });
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** Resolves to the status. Rejects with what a caller would see after the last try. */
  async ask(method: string, path: string, body?: object): Promise<number> {
    for (let tries = 1; ; tries++) {
      const outcome = await this.#once(method, path, body).catch((error: NodeJS.ErrnoException) => error);
      const again =
        typeof outcome === 'number'
          ? outcome === 503
          : outcome.code !== undefined && BROKEN.has(outcome.code);
      if (!again || tries === TRIES_MAX) {
        if (typeof outcome === 'number') return outcome;
        throw outcome;
      }
      const why = typeof outcome === 'number' ? String(outcome) : String(outcome.code);
      this.retried.set(why, (this.retried.get(why) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * tries));
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #once(method: string, path: string, body?: object): Promise<number> {
    const bytes = body === undefined ? '' : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asking = request(`${this.#url}/api/v1${path}`, {
        agent: this.#agent,
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(bytes),
          }),
        },
      });
      asking.once('error', reject);
      asking.once('response', (response) => {
        response.on('error', reject);
        response.resume().once('end', () => resolve(response.statusCode ?? 0));
      });
      asking.end(bytes);
    });
  }
}
