import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { noisePng } from '../load/photo.js';
import type { Population, User } from './population.js';
import { SocketClient } from './socket-client.js';
import { pick, type Tally } from './tally.js';

const HALF_MS = 200;
const PHOTO_BYTES = 100_000;

/** What people do over HTTP. */
export class Errands {
  readonly #port: number;
  readonly #population: Population;
  readonly #tally: Tally;
  readonly #photo = new Blob([new Uint8Array(noisePng(PHOTO_BYTES))]);

  constructor(port: number, population: Population, tally: Tally) {
    this.#port = port;
    this.#population = population;
    this.#tally = tally;
  }

  /** Somebody looks something up. */
  look(): void {
    const user = pick(this.#population.users);
    const group = pick(this.#population.groups);
    const member = this.#population.users[pick(group.members) - 1] ?? user;
    const [who, path] = pick<[User, string]>([
      [user, '/user'],
      [user, `/user/${pick(this.#population.users).id}`],
      [user, '/chats?limit=20'],
      [member, `/group/${group.id}/info`],
      [member, `/group/${group.id}/users`],
    ]);
    this.#tally.run('requests', async () => void (await this.#ask(who, 'GET', path)));
  }

  /** A group comes, changes and goes, with its sockets. */
  group(): void {
    this.#tally.run('groups made and deleted', async () => {
      const [owner, member, later] = someOf(this.#population.users, 3);
      if (!owner || !member || !later) return;
      const users = [{ id: member.id }];
      const id = await this.#create(owner, JSON.stringify({ name: 'For a while', users }));
      await this.#ask(owner, 'POST', `/group/${id}/add`, JSON.stringify({ users: [{ id: later.id }] }));
      const sockets = [owner, later].map(({ token }) =>
        SocketClient.connect(this.#port, `/group/${id}`, token, false),
      );
      const [ofOwner, ofLater] = sockets;
      for (const socket of sockets) await socket.opened();
      await this.#ask(owner, 'DELETE', `/group/${id}/delete?users=${later.id}`);
      expectEnd('closed 4403', await ofLater?.ended());
      await this.#ask(owner, 'DELETE', `/group/${id}`);
      expectEnd('closed 4410', await ofOwner?.ended());
    });
  }

  /** A group with a photo. */
  upload(): void {
    this.#tally.run('uploads', async () => {
      const owner = pick(this.#population.users);
      const form = new FormData();
      form.set('json', '{"name":"With a photo"}');
      form.set('photo', this.#photo, 'a.png');
      const id = await this.#create(owner, form);
      await this.#ask(owner, 'GET', `/group/${id}/photo`);
      await this.#ask(owner, 'DELETE', `/group/${id}`);
    });
  }

  /** An upload whose peer goes in the middle. */
  halfUpload(): void {
    this.#tally.run('half uploads', async () => {
      const socket = connect(this.#port, '127.0.0.1');
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.on('error', () => undefined);
      const part = '--b\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\n\r\n';
      const { token } = pick(this.#population.users);
      socket.write(
        `POST /api/v1/group HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer ${token}\r\n` +
          `Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ${2 * PHOTO_BYTES}\r\n\r\n${part}`,
      );
      socket.write(noisePng(PHOTO_BYTES));
      await sleep(HALF_MS);
      socket.destroy();
      await closed;
    });
  }

  async #create(owner: User, body: string | FormData): Promise<number> {
    const answer = (await this.#ask(owner, 'POST', '/group', body)) as { group: { id: number } };
    return answer.group.id;
  }

  async #ask({ token }: User, method: string, path: string, body?: string | FormData): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(typeof body === 'string' && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    if (response.status !== 200)
      throw new Error(`${method} ${path.replace(/\d+/g, '…')}: ${response.status} ${bytes}`);
    return response.headers.get('content-type')?.startsWith('application/json')
      ? JSON.parse(bytes.toString())
      : {};
  }
}

function expectEnd(expected: string, end: string | undefined): void {
  if (end !== expected) throw new Error(`not ${expected}, but ${end}`);
}

function someOf<T>(from: readonly T[], count: number): T[] {
  const start = Math.floor(Math.random() * from.length);
  return Array.from({ length: count }, (_, index) => from[(start + index) % from.length] ?? pick(from));
}
