import { RetryingClient } from './retrying.js';
import type { TestUser } from './user.js';

/** Every so many requests one is a change: a group, whose `client_id` makes it safe to ask for again. */
const CHANGE_EVERY = 20;

/** A retrying HTTP client that asks at a steady rate until it is told to stop. */
export class SteadyRequests {
  /** What its caller saw that was not 200. */
  readonly failures: string[] = [];
  readonly #client: RetryingClient;
  readonly #timer: NodeJS.Timeout;
  readonly #pending = new Set<Promise<void>>();
  #asked = 0;

  constructor(user: TestUser, perSecond: number) {
    this.#client = new RetryingClient(user.url, user.token);
    const began = performance.now();
    this.#timer = setInterval(() => {
      const due = ((performance.now() - began) / 1000) * perSecond;
      for (; this.#asked < due; this.#asked++) {
        const asking = this.#ask(this.#asked).finally(() => this.#pending.delete(asking));
        this.#pending.add(asking);
      }
    }, 5);
  }

  get asked(): number {
    return this.#asked;
  }

  /** By cause, how often the client tried again without its caller noticing. */
  get retried(): Record<string, number> {
    return Object.fromEntries(this.#client.retried);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    this.#client.close();
  }

  async #ask(number: number): Promise<void> {
    const change = number % CHANGE_EVERY === 0;
    const asked = change
      ? this.#client.ask('POST', '/group', { name: `group ${number}`, client_id: `group ${number}` })
      : this.#client.ask('GET', number % 2 ? '/user' : '/chats?limit=10');
    const outcome = await asked.catch((error: Error) => error.message);
    if (outcome !== 200) this.failures.push(`${number}: ${outcome}`);
  }
}
