import { noteText } from './leaks.js';
import { TestSocket } from './socket.js';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of a body is said by the test
  readonly body: any;
  readonly headers: Headers;
}

/** A person with a token, talking to a server over HTTP and WebSocket. */
export class TestUser {
  readonly url: string;
  readonly token: string;
  readonly id: number;
  readonly name: string;

  constructor(url: string, token: string, id: number, name: string) {
    this.url = url;
    this.token = token;
    this.id = id;
    this.name = name;
  }

  get username(): string {
    return `${this.name.toLowerCase()}-${this.id}`;
  }

  async createProfile(): Promise<void> {
    const answer = await this.post('/user', { username: this.username, name: this.name });
    if (answer.status !== 200) throw new Error(`no profile for ${this.name}: ${JSON.stringify(answer.body)}`);
  }

  get(path: string): Promise<Answer> {
    return this.send('GET', path);
  }

  /** A body that is an object goes as JSON, a FormData as multipart. */
  post(path: string, body?: object): Promise<Answer> {
    return this.send('POST', path, body);
  }

  put(path: string): Promise<Answer> {
    return this.send('PUT', path);
  }

  patch(path: string, body?: object): Promise<Answer> {
    return this.send('PATCH', path, body);
  }

  delete(path: string, body?: object): Promise<Answer> {
    return this.send('DELETE', path, body);
  }

  async send(
    method: string,
    path: string,
    body?: object | string,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const json = typeof body === 'object' && !(body instanceof FormData);
    if (json && 'text' in body) noteText(body.text);
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(json && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: json ? JSON.stringify(body) : (body as string | FormData) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json');
    return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
  }

  /** Opens, or finds, the private chat with another and resolves to its id. */
  async chatWith(other: TestUser): Promise<number> {
    return (await this.post(`/chat/${other.id}`)).body.chat.id;
  }

  /** Creates a group that this user owns and resolves to its id. */
  async groupWith(...others: TestUser[]): Promise<number> {
    const users = others.map(({ id, name }) => ({ id, name }));
    return (await this.post('/group', { name: 'a group', users })).body.group.id;
  }

  /** Opens a socket; `path` is what follows /api/v1, with its query. Resolves when it is open. */
  connect(path: string, headers: Record<string, string> = {}): Promise<TestSocket> {
    return TestSocket.open(`${this.url.replace('http', 'ws')}/api/v1${path}`, {
      headers: { authorization: `Bearer ${this.token}`, ...headers },
    });
  }

  /** Two sockets on two different workers: the kernel spreads connections, so a few tries find both. */
  async connectOnBoth(path: string): Promise<[TestSocket, TestSocket]> {
    const found: TestSocket[] = [];
    for (let tries = 0; tries < 100; tries++) {
      const socket = await this.connect(path);
      if (socket.worker !== '' && socket.worker !== found[0]?.worker) found.push(socket);
      else await socket.close();
      const [first, second] = found;
      if (first !== undefined && second !== undefined) return [first, second];
    }
    throw new Error('all connections went to one worker');
  }

  /** The status with which an upgrade is refused. */
  refusal(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return TestSocket.refused(`${this.url.replace('http', 'ws')}/api/v1${path}`, {
      headers: { authorization: `Bearer ${this.token}`, ...headers },
    });
  }
}
