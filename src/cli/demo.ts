import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { WebSocket } from 'ws';
import { BASE } from '../api/routes.js';
import type { Config } from '../config.js';
import { OperatorError } from '../operator-error.js';
import { mintToken } from './token.js';

/** How long a message may take until its echo comes back. */
const ECHO_MS_MAX = 5000;

interface Message {
  readonly id: number;
  readonly time: string;
  readonly chat_id: number;
  readonly text: string;
  readonly author: { readonly name: string };
}

/**
 * `demo [--url http://127.0.0.1:8080]`: creates two users, a private chat and a group on a running server, and prints
 * the messages that they send each other as each of them receives them.
 */
export async function runDemo(args: readonly string[], config: Config): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { url: { type: 'string' } } });
  const url = values.url ?? `http://127.0.0.1:${config.port}`;
  const [alice, bob] = await Promise.all([
    DemoUser.create('Alice', url, config),
    DemoUser.create('Bob', url, config),
  ]);

  const { chat } = await alice.call('POST', `/chat/${bob.id}`);
  const { group } = await alice.call('POST', '/group', { name: 'Lunch', users: [{ id: bob.id }] });
  print(`Alice opened chat ${chat.id} with Bob, and the group "Lunch" (${group.id}) with both in it.\n`);

  await Promise.all([alice.open(`/chat/${chat.id}`), bob.open(`/chat/${chat.id}`), bob.open('/main')]);
  await alice.send(`/chat/${chat.id}`, 'Hello Bob!');
  await bob.send(`/chat/${chat.id}`, 'Hi Alice. Is this on disk already?');
  await alice.send(`/chat/${chat.id}`, 'It was before you saw it.');

  await Promise.all([alice.open(`/group/${group.id}`), bob.open(`/group/${group.id}`)]);
  await bob.send(`/group/${group.id}`, 'Who is hungry?');
  await alice.send(`/group/${group.id}`, 'Me.');

  bob.leave(`/group/${group.id}`);
  await alice.send(`/group/${group.id}`, 'Bob?');
  await bob.resume(`/group/${group.id}`);

  const { rooms } = await bob.call('GET', '/chats');
  print(
    `\nBob's chats, newest first: ${rooms.map((room) => `${room.name} ("${room.last_message.text}")`).join(', ')}.`,
  );
  print(
    `\nTo go on as Alice:\n  export TOKEN=${alice.token}\n  npx wscat -c ${alice.wsUrl}/chat/${chat.id} -H "Authorization: Bearer $TOKEN"`,
  );
  for (const user of [alice, bob]) user.close();
}

/** The fields of all responses that the demo reads. */
interface ApiResponse {
  readonly id: number;
  readonly chat: { readonly id: number };
  readonly group: { readonly id: number };
  readonly rooms: readonly { readonly name: string; readonly last_message: Message }[];
}

class DemoUser {
  readonly name: string;
  readonly token: string;
  readonly #url: string;
  readonly #sockets = new Map<string, WebSocket>();
  /** The newest message that each socket was shown. */
  readonly #newest = new Map<string, Message>();
  #id = 0;

  private constructor(name: string, url: string, token: string) {
    this.name = name;
    this.#url = `${url}${BASE}`;
    this.token = token;
  }

  static async create(name: string, url: string, config: Config): Promise<DemoUser> {
    const sub = `demo-${name.toLowerCase()}-${randomBytes(4).toString('hex')}`;
    const user = new DemoUser(name, url, await mintToken(config, sub, { name, expires: '1d' }));
    await user.call('POST', '/user', { username: sub, name });
    user.#id = (await user.call('GET', '/user')).id;
    print(`${name} is user ${user.id} (the token's sub is "${sub}").`);
    return user;
  }

  get id(): number {
    return this.#id;
  }

  get wsUrl(): string {
    return this.#url.replace(/^http/, 'ws');
  }

  async call(method: string, path: string, body?: object): Promise<ApiResponse> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    }).catch((error: Error) => {
      throw new OperatorError(
        `no server answers at ${this.#url} (${error.message}); is it running? npm start`,
      );
    });
    const answer = (await response.json()) as ApiResponse & { error?: string };
    if (!response.ok) throw new OperatorError(`${method} ${path}: ${response.status} ${answer.error}`);
    return answer;
  }

  /** Opens a socket and prints the messages that come over it. */
  async open(path: string, query = ''): Promise<void> {
    const { WebSocket: Client } = await import('ws');
    const socket = new Client(`${this.wsUrl}${path}${query}`, {
      headers: { authorization: `Bearer ${this.token}` },
    });
    this.#sockets.set(path, socket);
    const first = new Promise((resolve, reject) => {
      const begun = path === '/main' ? 'open' : 'message'; // A chat's socket begins with its history.
      socket.once(begun, resolve).once('error', reject);
    });
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Message & { type: string; messages?: Message[] };
      if (frame.type === 'error') return print(`  ${this.name} on ${path} ← ${String(data)}`);
      for (const message of frame.messages ?? [frame]) this.#show(path, frame.type, message);
    });
    await first;
  }

  leave(path: string): void {
    print(`\n${this.name} loses the connection of ${path}, …`);
    this.#sockets.get(path)?.terminate();
  }

  /** Opens the socket again where it was left. */
  async resume(path: string): Promise<void> {
    const newest = this.#newest.get(path);
    const query = newest === undefined ? '?after=0' : `?after=${newest.id}@${Date.parse(newest.time)}`;
    print(`… and resumes with ${query}:`);
    await this.open(path, query);
  }

  #show(path: string, type: string, message: Message): void {
    const { id, author, text } = message;
    this.#newest.set(path, message);
    print(`  ${this.name} on ${path} ← ${type} ${id}: ${author.name}: ${text}`);
  }

  /** Sends a message and waits for its echo, which confirms that it is on disk. */
  async send(path: string, text: string): Promise<void> {
    const socket = this.#sockets.get(path);
    const clientId = randomBytes(8).toString('hex');
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new OperatorError(`"${text}" was not acknowledged`)),
        ECHO_MS_MAX,
      );
      socket?.on('message', (data) => {
        if ((JSON.parse(String(data)) as { client_id?: string }).client_id !== clientId) return;
        clearTimeout(timer);
        resolve();
      });
      socket?.send(JSON.stringify({ type: 'message', text, client_id: clientId }));
    });
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
  }
}

function print(text: string): void {
  console.log(text);
}
