import type { World } from '../run-context.js';
import type { Member } from './chat-socket.js';

const TRY_AGAIN_MS = 100;
const REQUEST_MS = 15_000;
const TRY_LATER_STATUSES = [429, 502, 503, 504];
/** Past this, whoever is being asked does not come back. */
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

/** A user's HTTP side. Requests are repeated until they are answered, as clients do. */
export class Account implements Member {
  readonly token: string;
  readonly #world: World;
  id = 0;

  constructor(world: World, token: string) {
    this.#world = world;
    this.token = token;
  }

  async create(username: string): Promise<void> {
    await this.#ask('POST', '/user', { username, name: username }, ['user_exists']);
    this.id = (await this.#ask('GET', '/user')).body.id ?? 0;
  }

  async openChat(other: number): Promise<number> {
    return (await this.#ask('POST', `/chat/${other}`)).body.chat?.id ?? 0;
  }

  async createGroup(name: string, users: readonly number[]): Promise<number> {
    const body = { name, users: users.map((id) => ({ id })), client_id: name };
    return (await this.#ask('POST', '/group', body)).body.group?.id ?? 0;
  }

  async addMember(groupId: number, user: number): Promise<void> {
    await this.#ask('POST', `/group/${groupId}/add`, { users: [{ id: user }] }, ['already_member']);
  }

  async removeMember(groupId: number, user: number): Promise<void> {
    await this.#ask('DELETE', `/group/${groupId}/delete?users=${user}`, undefined, ['not_a_member']);
  }

  /**
   * Throws when the answer is none that the contract gives there, or none comes: that is told as unexpected.
   * `done`: refusals that say, when an earlier try was not answered, that it had been applied.
   */
  async #ask(method: string, path: string, body?: object, done: readonly string[] = []): Promise<Answer> {
    const { tally, now } = this.#world;
    const giveUpMs = now() + GIVE_UP_MS;
    for (let tries = 1; ; tries++) {
      const answer = await this.#try(method, path, body).catch(() => undefined);
      const code = answer?.body.code ?? '';
      if (answer?.status === 200 || (tries > 1 && done.includes(code) && answer !== undefined)) return answer;
      if (answer === undefined) tally.refused('no answer to a request');
      else if (TRY_LATER_STATUSES.includes(answer.status)) tally.refused(`status ${answer.status} ${code}`);
      else {
        tally.unexpected(`${method}_${path}`, `status ${answer.status} ${code}`);
        throw new Error(`${method} ${path}: ${answer.status} ${code}`);
      }
      if (now() > giveUpMs) {
        tally.unexpected(`${method}_${path}`, `no answer within ${GIVE_UP_MS} ms`);
        throw new Error(`${method} ${path}: no answer within ${GIVE_UP_MS} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
    }
  }

  async #try(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${this.#world.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(REQUEST_MS),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }
}
