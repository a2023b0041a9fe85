import { setTimeout as sleep } from 'node:timers/promises';
import { type Frame, TestSocket } from './socket.js';
import { TestUser } from './user.js';

export const NO_MESSAGES = { type: 'history', messages: [], error: 'no messages' } as const;

const HISTORY_LIMIT_MAX = 1000;
const SAID_AT_ONCE = 50;

/** Connects and takes the first frame, so that what is next is live. */
export async function live(user: TestUser, path: string): Promise<TestSocket> {
  const socket = await user.connect(path);
  await socket.nextOf('history');
  return socket;
}

/** Connects a socket that is told of changes, and takes the first frame. */
export function full(user: TestUser, path: string): Promise<TestSocket> {
  return live(user, `${path}?features=1`);
}

/** The history of a chat that has room in one frame, with the places of deleted messages. */
export async function fullHistoryOf(user: TestUser, path: string): Promise<Frame[]> {
  const socket = await user.connect(`${path}?features=1&limit=${HISTORY_LIMIT_MAX}`);
  const { messages } = await socket.nextOf('history');
  await socket.close();
  return messages;
}

/** Connects as a browser does: the token among the subprotocols. */
export function browse(user: TestUser, path: string): Promise<TestSocket> {
  return TestSocket.open(wsUrl(user, path), {}, ['chat.v1', `bearer.${user.token}`]);
}

export function wsUrl(user: TestUser, path: string): string {
  return `${user.url.replace('http', 'ws')}/api/v1${path}`;
}

/** The same person at another server, such as this one after its restart. */
export function at(server: { readonly url: string }, user: TestUser): TestUser {
  return new TestUser(server.url, user.token, user.id, user.name);
}

/** The whole history of a chat in which nobody speaks, read backwards a page at a time; oldest first. */
export async function historyOf(user: TestUser, path: string): Promise<Frame[]> {
  const messages: Frame[] = [];
  for (;;) {
    const socket = await user.connect(`${path}?limit=${HISTORY_LIMIT_MAX}&offset=${messages.length}`);
    const page = await socket.nextOf('history');
    await socket.close();
    if (page.messages.length === 0) return messages;
    messages.unshift(...page.messages);
  }
}

/** The history frames of a socket that resumes, up to the one without `more`. */
export async function pagesOf(socket: TestSocket): Promise<Frame[]> {
  const pages: Frame[] = [];
  do pages.push(await socket.nextOf('history'));
  while (pages.at(-1).more);
  return pages;
}

/** Every message that a socket was shown, in history or live, in the order of its frames. */
export function shownTo({ frames }: TestSocket): Frame[] {
  return frames.flatMap((frame) => (frame.type === 'history' ? frame.messages : [frame]));
}

/**
 * Says every text, so many at a time, and hears each of them; resolves to what was heard. On a machine that is so slow
 * that workers are seconds behind, the server refuses some for a while: they are said again.
 */
export async function saysAll(socket: TestSocket, texts: readonly string[]): Promise<Frame[]> {
  const heard: Frame[] = [];
  while (heard.length < texts.length) {
    const some = texts.slice(heard.length, heard.length + SAID_AT_ONCE);
    for (const text of some) socket.says(text);
    let retryAfterMs: number | undefined;
    for (const text of some) {
      const frame = await socket.next();
      if (frame.code === 'overloaded') retryAfterMs = frame.details.retry_after_ms;
      else if (frame.type === 'message' && frame.text === text && retryAfterMs === undefined)
        heard.push(frame);
      else throw new Error(`expected ${text}, got ${JSON.stringify(frame)}`);
    }
    if (retryAfterMs !== undefined) await sleep(retryAfterMs);
  }
  return heard;
}

/** `name 0`, `name 1`, … */
export function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${name} ${n}`);
}

export const idOf = ({ id }: Frame): number => id;
export const textOf = ({ text }: Frame): string => text;
