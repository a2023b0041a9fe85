import { tokenOf } from '../../targets/parley.js';
import type { Attack, Context } from './attack.js';
import { RawSocket } from './raw-socket.js';
import { getRequest, Requests } from './requests.js';

const LISTS_AT_ONCE = 10;
const SOCKETS_AT_ONCE = 20;
const AGAIN_MS = 1;

/** Sockets that ask for as much history as there is, and close as soon as it comes. */
class Readers implements Attack {
  readonly #context: Context;
  readonly #token: string;
  readonly #sockets = new Set<RawSocket>();
  #on = false;

  constructor(context: Context, token: string) {
    this.#context = context;
    this.#token = token;
  }

  begin(): void {
    this.#on = true;
    for (let opened = 0; opened < SOCKETS_AT_ONCE; opened++) this.#connect();
  }

  end(): void {
    this.#on = false;
    for (const socket of this.#sockets) socket.cut();
  }

  #connect(): void {
    const { setup, count } = this.#context;
    const path = `/group/${setup.crowdGroup}?limit=1000`;
    const socket: RawSocket = new RawSocket(setup.port, path, this.#token, count, {
      frame: () => {
        count('histories');
        socket.cut();
      },
      ended: () => {
        this.#sockets.delete(socket);
        setTimeout(() => this.#on && this.#connect(), AGAIN_MS);
      },
    });
    this.#sockets.add(socket);
  }
}

/** One user who asks for lists and histories as fast as they come. */
export async function history(context: Context): Promise<Attack> {
  const token = await tokenOf(context.setup.crowd[0] ?? 0);
  const readers = new Readers(context, token);
  const heads = [getRequest('/chats', token)];
  const lists = new Requests(context, { connections: LISTS_AT_ONCE, perSecond: undefined, heads });
  return {
    begin: () => {
      readers.begin();
      lists.begin();
    },
    end: () => {
      readers.end();
      lists.end();
    },
  };
}
