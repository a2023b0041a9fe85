import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';

const ANSWER_MS_MAX = 10_000;

/** A WebSocket client that waits for one thing at a time. */
export class SocketClient {
  /** The newest id that it saw. */
  last = 0;
  readonly #ws: WebSocket;
  #end: string | undefined;
  #waiting: { readonly for: RegExp; resolve(frame: string): void } | undefined;

  private constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on('message', (data: Buffer) => this.#hear(data.toString()));
    ws.on('error', (error) => {
      this.#end ??= error.message; // `close` follows.
    });
    ws.on('close', (code) => {
      this.#end ??= `closed ${code}`;
    });
  }

  /** `asBrowser`: the token goes as a subprotocol. */
  static connect(port: number, path: string, token: string, asBrowser: boolean): SocketClient {
    const url = `ws://127.0.0.1:${port}/api/v1${path}`;
    return new SocketClient(
      asBrowser
        ? new WebSocket(url, ['chat.v1', `bearer.${token}`], { perMessageDeflate: false })
        : new WebSocket(url, { headers: { authorization: `Bearer ${token}` }, perMessageDeflate: false }),
    );
  }

  send(frame: object): void {
    this.#ws.send(JSON.stringify(frame));
  }

  async opened(): Promise<void> {
    if (this.#ws.readyState === WebSocket.OPEN) return;
    await Promise.race([once(this.#ws, 'open'), this.ended().then(this.#failed)]);
  }

  /** The next frame that matches. */
  async hears(frame: RegExp): Promise<string> {
    if (this.#end !== undefined) throw new Error(this.#end);
    const timer = new AbortController();
    try {
      return await Promise.race([
        new Promise<string>((resolve) => {
          this.#waiting = { for: frame, resolve };
        }),
        sleep(ANSWER_MS_MAX, undefined, timer).then(() =>
          this.#failed(`no ${frame} within ${ANSWER_MS_MAX} ms`),
        ),
        this.ended().then(this.#failed),
      ]);
    } finally {
      timer.abort();
    }
  }

  /** What ended it: `closed 4401`, `Unexpected server response: 401`, … */
  async ended(): Promise<string> {
    if (this.#ws.readyState !== WebSocket.CLOSED)
      await new Promise((resolve) => this.#ws.once('close', resolve));
    return this.#end ?? '';
  }

  async leave(): Promise<void> {
    this.#ws.close();
    await this.ended();
  }

  /** Cuts the connection without a close frame. */
  async cut(): Promise<void> {
    this.#ws.terminate();
    await this.ended();
  }

  readonly #failed = (why: string): never => {
    throw new Error(why);
  };

  #hear(frame: string): void {
    const ids = frame.startsWith('{"id":')
      ? [frame]
      : frame.startsWith('{"type":"history"')
        ? frame.match(/"id":\d+,"chat_id"/g)
        : [];
    this.last = Math.max(this.last, Number(/"id":(\d+)/.exec(ids?.at(-1) ?? '')?.[1] ?? 0));
    if (!this.#waiting?.for.test(frame)) return;
    this.#waiting.resolve(frame);
    this.#waiting = undefined;
  }
}
