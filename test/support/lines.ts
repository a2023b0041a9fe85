import { Agent, request } from 'node:http';
import { BASE } from '../../src/api/routes.js';
import type { TestServer } from './server.js';
import { expectOfContract, workerOf } from './strict.js';
import type { Answer, TestUser } from './user.js';

/** One connection that is kept, and with it one worker. */
export class Line {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #server: TestServer;
  #worker = '';

  constructor(server: TestServer) {
    this.#server = server;
  }

  get worker(): string {
    return this.#worker;
  }

  /** A request of this user. Rejects when it came to another worker than the one before. */
  async ask(user: TestUser, method: string, path: string, body?: object): Promise<Answer> {
    const answer = await this.#send(user, method, path, body);
    if (this.#worker !== '' && workerOf(answer) !== this.#worker) throw new Error('the line was cut');
    this.#worker = workerOf(answer);
    expectOfContract(method, path, answer);
    return answer;
  }

  hangUp(): void {
    this.#agent.destroy();
  }

  #send(user: TestUser, method: string, path: string, body?: object): Promise<Answer> {
    const bytes = body === undefined ? '' : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const asking = request(`${this.#server.url}${BASE}${path}`, {
        agent: this.#agent,
        method,
        headers: {
          authorization: `Bearer ${user.token}`,
          ...(body !== undefined && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(bytes),
          }),
        },
      });
      asking.once('error', reject);
      asking.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.once('end', () => {
          const headers = new Headers(response.headers as Record<string, string>);
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text), headers });
        });
      });
      asking.end(bytes);
    });
  }
}

/** A line to each of the two workers: the kernel spreads connections, so a few tries find both. */
export async function linesToBothWorkers(server: TestServer, user: TestUser): Promise<[Line, Line]> {
  const dial = async () => {
    const line = new Line(server);
    await line.ask(user, 'GET', '/user');
    return line;
  };
  const first = await dial();
  for (let tries = 0; tries < 64; tries++) {
    const second = await dial();
    if (second.worker !== first.worker) return [first, second];
    second.hangUp();
  }
  throw new Error('all connections went to one worker');
}
