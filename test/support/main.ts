import type { Frame, TestSocket } from './socket.js';
import type { TestUser } from './user.js';

/** A main socket that asks for changes, with what it began with. */
export interface Main {
  readonly socket: TestSocket;
  /** What happened since its cursor, of all pages. */
  readonly changes: Frame[];
  readonly cursor: string;
  /** The list of what is unread. */
  readonly unread: Frame;
}

/** Connects, and takes all pages. */
export async function openMain(user: TestUser, after?: string): Promise<Main> {
  const resume = after === undefined ? '' : `&after=${after}`;
  const socket = await user.connect(`/main?features=1${resume}`);
  return { socket, ...(await pages(socket)) };
}

/** Takes the pages of a socket that begins or catches up. */
export async function pages(socket: TestSocket): Promise<Omit<Main, 'socket'>> {
  const changes: Frame[] = [];
  for (;;) {
    const page = await next(socket, 'changes');
    changes.push(...page.changes);
    if (!page.more) return { changes, cursor: page.cursor, unread: await next(socket, 'unread') };
  }
}

/** The next frame, which must be of this type. The cursors that come each second are passed over. */
export async function next(socket: TestSocket, type: string): Promise<Frame> {
  for (;;) {
    const frame = await socket.next();
    if (frame.type === 'cursor' && type !== 'cursor') continue;
    if (frame.type !== type) throw new Error(`expected ${type}, got ${JSON.stringify(frame)}`);
    return frame;
  }
}

/** The next frame of this type, whatever comes before it. */
export async function nextAmong(socket: TestSocket, type: string): Promise<Frame> {
  for (;;) {
    const frame = await socket.next();
    if (frame.type === type) return frame;
  }
}

/** Asks for something that is refused, and gives the code. */
export async function refusal(socket: TestSocket, frame: object): Promise<string> {
  socket.send(frame);
  return (await next(socket, 'error')).code;
}
