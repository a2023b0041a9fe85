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
 * Says every text, and hears each of them; resolves to what was heard. So many are on their way at a time: a slow machine
 * refuses more when its workers are seconds behind.
 */
export async function saysAll(socket: TestSocket, texts: readonly string[]): Promise<Frame[]> {
  const heard: Frame[] = [];
  for (let said = 0; said < texts.length; said += SAID_AT_ONCE) {
    const some = texts.slice(said, said + SAID_AT_ONCE);
    for (const text of some) socket.says(text);
    for (const text of some) heard.push(await socket.hears(text));
  }
  return heard;
}

/** `name 0`, `name 1`, … */
export function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${name} ${n}`);
}

export const idOf = ({ id }: Frame): number => id;
export const textOf = ({ text }: Frame): string => text;
