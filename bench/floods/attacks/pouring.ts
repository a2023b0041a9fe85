import { textFrame } from '../../load/frames.js';
import { tokenOf } from '../../targets/parley.js';
import type { Attack, Context } from './attack.js';
import { type RawEvents, RawSocket } from './raw-socket.js';

const SOCKETS = 10;
/** A socket that is closed connects again after this time. */
const RECONNECT_MS = 20;
const FRAMES_AT_ONCE = 50;
const PING_FRAME = Buffer.from([0x89, 0x84, 0, 0, 0, 0, 1, 2, 3, 4]);

/** The bytes that are written at once, and how many frames they are. */
interface Chunk {
  readonly bytes: Buffer;
  readonly frames: number;
}

/** Sockets that send frames as fast as the server reads them. */
class Pouring implements Attack {
  readonly #context: Context;
  /** One token for each socket, of one user or of several. */
  readonly #tokens: readonly string[];
  readonly #chunk: (socket: number) => Chunk;
  readonly #sockets = new Map<number, RawSocket>();
  readonly #deaf: boolean;
  #on = false;

  constructor(context: Context, tokens: readonly string[], chunk: (socket: number) => Chunk, deaf = false) {
    this.#context = context;
    this.#deaf = deaf;
    this.#tokens = tokens;
    this.#chunk = chunk;
  }

  begin(): void {
    this.#on = true;
    for (const index of this.#tokens.keys()) this.#connect(index);
  }

  end(): void {
    this.#on = false;
    for (const socket of this.#sockets.values()) socket.cut();
  }

  #connect(index: number): void {
    const { setup, count } = this.#context;
    const { bytes, frames } = this.#chunk(index);
    const token = this.#tokens[index] ?? '';
    const events: RawEvents = {
      opened: () => {
        count('sockets opened');
        const sent = () => count('frames', frames);
        socket.pour(() => bytes, sent);
      },
      ended: () => {
        this.#sockets.delete(index);
        setTimeout(() => this.#on && this.#connect(index), RECONNECT_MS);
      },
    };
    const path = `/group/${setup.sharedGroup}?limit=1`;
    const socket: RawSocket = new RawSocket(setup.port, path, token, count, events, this.#deaf);
    this.#sockets.set(index, socket);
  }
}

function many(...frames: readonly Buffer[]): Chunk {
  const bytes = Buffer.concat(Array.from({ length: FRAMES_AT_ONCE }, () => frames).flat());
  return { bytes, frames: FRAMES_AT_ONCE * frames.length };
}

const json = (frame: object) => textFrame(Buffer.from(JSON.stringify(frame)));

/** All sockets belong to one user. */
async function ofOneUser(context: Context, ...frames: readonly Buffer[]): Promise<Attack> {
  const token = await tokenOf(context.setup.flooders[0] ?? 0);
  const chunk = many(...frames);
  return new Pouring(
    context,
    Array.from({ length: SOCKETS }, () => token),
    () => chunk,
  );
}

export function messages(context: Context): Promise<Attack> {
  return ofOneUser(context, json({ type: 'message', text: 'x'.repeat(100) }));
}

/** The same as `messages`, of a client that goes on sending after a close frame. */
export async function deaf(context: Context): Promise<Attack> {
  const token = await tokenOf(context.setup.flooders[0] ?? 0);
  const chunk = many(json({ type: 'message', text: 'x'.repeat(100) }));
  return new Pouring(
    context,
    Array.from({ length: SOCKETS }, () => token),
    () => chunk,
    true,
  );
}

/** The sockets belong to several users, each of whom has a limit of their own. */
export async function messagesOfMany(context: Context): Promise<Attack> {
  const tokens = await Promise.all(context.setup.flooders.map(tokenOf));
  const chunk = many(json({ type: 'message', text: 'x'.repeat(100) }));
  return new Pouring(context, tokens, () => chunk);
}

export function duplicates(context: Context): Promise<Attack> {
  return ofOneUser(context, json({ type: 'message', text: 'again', client_id: 'the same' }));
}

export function typing(context: Context): Promise<Attack> {
  return ofOneUser(context, json({ type: 'typing' }), json({ type: 'stop_typing' }));
}

export function pings(context: Context): Promise<Attack> {
  return ofOneUser(context, PING_FRAME);
}

/** Frames just under the limit, with as much to parse in them as fits; half of the sockets send frames just over it. */
export async function bigFrames(context: Context): Promise<Attack> {
  const token = await tokenOf(context.setup.flooders[0] ?? 0);
  const array = (items: number) =>
    json({ type: 'message', text: 'big', more: Array.from({ length: items }, () => 1) });
  const under = { bytes: array(30_000), frames: 1 };
  const over = { bytes: array(31_000), frames: 1 };
  const tokens = Array.from({ length: SOCKETS }, () => token);
  return new Pouring(context, tokens, (socket) => (socket % 2 === 0 ? under : over));
}
