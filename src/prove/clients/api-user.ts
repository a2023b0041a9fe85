import type { RunContext } from '../run-context.js';
import { isTryLater } from './expected-answers.js';

const RETRY_MS = 100;
const REQUEST_MS = 15_000;
/** A request that is not answered after this long will not be. */
const GIVE_UP_MS = 60_000;

interface Answer {
  readonly status: number;
  readonly body: {
    readonly code?: string;
    readonly id?: number;
    readonly chat?: { readonly id: number };
    readonly group?: { readonly id: number };
  };
}

/** A user of the HTTP API, who sends each request again until it is answered. */
export class ApiUser {
  readonly token: string;
  readonly #context: RunContext;
  /** 0 until `create` has resolved. */
  id = 0;

  constructor(context: RunContext, token: string) {
    this.#context = context;
    this.token = token;
  }

  async create(username: string): Promise<void> {
    await this.#request('POST', '/user', { username, name: username }, 'user_exists');
    this.id = (await this.#request('GET', '/user')).body.id ?? 0;
  }

  /** Resolves to the chat's id. */
  async openChat(other: number): Promise<number> {
    return (await this.#request('POST', `/chat/${other}`)).body.chat?.id ?? 0;
  }

  /** Resolves to the group's id. */
  async createGroup(name: string, users: readonly number[]): Promise<number> {
    const body = { name, users: users.map((id) => ({ id })), client_id: name };
    return (await this.#request('POST', '/group', body)).body.group?.id ?? 0;
  }

  async addMember(groupId: number, user: number): Promise<void> {
    await this.#request('POST', `/group/${groupId}/add`, { users: [{ id: user }] }, 'already_member');
  }

  async removeMember(groupId: number, user: number): Promise<void> {
    await this.#request('DELETE', `/group/${groupId}/delete?users=${user}`, undefined, 'not_a_member');
  }

  /**
   * Resolves when the request was answered 200, or was refused with the code `appliedBefore`, which says that an
   * earlier attempt was applied although its answer was lost. Anything else that the contract does not give there
   * counts as unexpected, and is thrown.
   */
  async #request(method: string, path: string, body?: object, appliedBefore?: string): Promise<Answer> {
    const { tally, now } = this.#context;
    const giveUpMs = now() + GIVE_UP_MS;
    const fail = (what: string): never => {
      tally.unexpected(`${method}_${path}`, what);
      throw new Error(`${method} ${path}: ${what}`);
    };
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#attempt(method, path, body).catch(() => undefined);
      if (answer === undefined) tally.refused('no answer to a request');
      else {
        const { status } = answer;
        const { code = '' } = answer.body;
        if (status === 200 || (attempt > 1 && code !== '' && code === appliedBefore)) return answer;
        if (!isTryLater(status)) fail(`status ${status} ${code}`);
        tally.refused(`status ${status} ${code}`);
      }
      if (now() > giveUpMs) fail(`no answer within ${GIVE_UP_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async #attempt(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${this.#context.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(REQUEST_MS),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }
}
