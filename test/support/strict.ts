import { expect } from 'vitest';
import { errorsOf, NO_ENDPOINT_ERRORS, type Operation, upgradeErrorsOf } from '../../src/api/operation.js';
import { Refusal } from '../../src/api/refusal.js';
import { BASE, routes } from '../../src/api/routes.js';
import { statusOf, upgradeStatusOf } from '../../src/api/status.js';
import type { ErrorCode } from '../../src/chat/errors.js';
import type { TestServer } from './server.js';
import { channelOf, type Frame } from './socket.js';
import { type Answer, TestUser } from './user.js';

/** An answer with its bytes as they came. */
export interface RawAnswer extends Answer {
  readonly text: string;
}

export interface Question {
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | FormData;
}

/** A server that a test does not push to its limits must never say these. */
const FAULTS: readonly ErrorCode[] = ['internal', 'overloaded', 'storage_full', 'timeout'];

/** A person whose every answer must be one that the contract's routes allow. */
export class StrictUser extends TestUser {
  override async send(...request: Parameters<TestUser['send']>): Promise<Answer> {
    const answer = await super.send(...request);
    expectOfContract(request[0], request[1], answer);
    return answer;
  }

  override async refusal(...request: Parameters<TestUser['refusal']>): Promise<Answer> {
    const answer = await super.refusal(...request);
    expectRefusedUpgrade(request[0], answer);
    return answer;
  }

  /** Says something in a chat (`/chat/1`, `/group/1`) and resolves to the message when it is acknowledged. */
  async says(path: string, text: string): Promise<Frame> {
    const socket = await this.connect(path);
    await socket.nextOf('history');
    socket.says(text);
    const message = await socket.hears(text);
    await socket.close();
    return message;
  }
}

/** A new user with a profile whose answers are checked. */
export async function join(server: TestServer, name: string): Promise<StrictUser> {
  const user = await newcomer(server, name);
  await user.createProfile();
  return user;
}

/** A valid token without a profile. */
export async function newcomer(server: TestServer, name: string): Promise<StrictUser> {
  const { url, token, id } = await server.stranger(name);
  return new StrictUser(url, token, id, name);
}

/** One request with nothing added: no token and no content type unless they are given. */
export async function ask(
  server: TestServer,
  method: string,
  path: string,
  { token, headers = {}, body }: Question = {},
): Promise<RawAnswer> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  const isJson = text !== '' && response.headers.get('content-type')?.startsWith('application/json');
  const answer = {
    status: response.status,
    body: isJson ? JSON.parse(text) : text,
    headers: response.headers,
    text,
  };
  if (path.startsWith(BASE)) expectOfContract(method, path.slice(BASE.length), answer);
  return answer;
}

/** Which worker answered: the same text for two answers of one worker. */
export function workerOf(answer: Answer): string {
  return answer.headers.get('x-request-id')?.split('-')[0] ?? '';
}

/** The answer is a refusal with this code, with the status that belongs to it. */
export function expectRefusal(answer: Answer, status: number, code: ErrorCode, details?: object): void {
  expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
  if (details !== undefined) expect(answer.body.details).toEqual(details);
}

/** Stops a server that must not have failed at anything meanwhile: no error in its log, no process that ended. */
export async function stopUnharmed(server: TestServer): Promise<void> {
  await server.stop();
  const failures = server.output
    .split('\n')
    .filter((line) => /"level":"(error|fatal)"/.test(line) || line.startsWith('    at '));
  expect(failures).toEqual([]);
}

/** Holds an answer against the route that gave it: strict shape of a 200, shape and code of a refusal. */
export function expectOfContract(method: string, path: string, answer: Answer): void {
  const route = routeOf(method, path);
  expect(answer.headers.get('x-request-id'), 'x-request-id').toMatch(/^[0-9a-f]+-\d+$/);
  if (method === 'HEAD' || answer.status === 204 || answer.status === 304) {
    expect(answer.body).toBe('');
  } else if (answer.status === 200) {
    expect(route, `${method} ${path} is a route`).toBeDefined();
    if (route?.response !== undefined) route.response.parse(answer.body);
  } else {
    const schema = route?.refusals?.[answer.body.code as ErrorCode]?.schema ?? Refusal;
    const { code, details } = schema.parse(answer.body) as Refusal;
    expect(answer.status).toBe(statusOf(code));
    if (details !== undefined) expect(details).not.toEqual({});
    expect(route === undefined ? NO_ENDPOINT_ERRORS : errorsOf(route)).toContain(code);
    expect(FAULTS).not.toContain(code);
  }
}

/** Holds the refusal of an upgrade against the channel that gave it. */
function expectRefusedUpgrade(path: string, answer: Answer): void {
  const channel = channelOf(`${BASE}${path}`);
  const { code } = Refusal.parse(answer.body);
  expect(answer.status).toBe(upgradeStatusOf(code));
  if (channel !== undefined) expect(upgradeErrorsOf(channel)).toContain(code);
  expect(FAULTS).not.toContain(code);
}

function routeOf(method: string, path: string): Operation | undefined {
  const bare = `${BASE}${path}`.split('?', 1)[0] ?? '';
  return Object.values<Operation>(routes).find((route) => {
    const pattern = new RegExp(`^${route.path.replace(/\{\w+\}/g, '[^/]+')}$`);
    return route.method === (method === 'HEAD' ? 'GET' : method) && pattern.test(bare);
  });
}
