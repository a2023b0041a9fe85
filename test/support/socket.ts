import { type ClientOptions, WebSocket } from 'ws';
import type { Channel } from '../../src/api/operation.js';
import { channels } from '../../src/api/routes.js';
import { noteText } from './leaks.js';
import type { Answer } from './user.js';
import { until } from './wait.js';

// biome-ignore lint/suspicious/noExplicitAny: what a test expects of a frame is said by the test
export type Frame = any;

/**
 * A WebSocket client that keeps every frame in the order in which it came. A frame that the contract does not have on
 * this channel is an uncaught error, which fails the run.
 */
export class TestSocket {
  readonly frames: Frame[] = [];
  pongs = 0;
  readonly #ws: WebSocket;
  /** Frames before this one were taken by `next`. */
  #taken = 0;
  #close: { code: number; reason: string } | undefined;
  #worker = '';

  private constructor(ws: WebSocket, sends: Channel['sends'] | undefined) {
    this.#ws = ws;
    ws.on('upgrade', (response) => {
      this.#worker = String(response.headers['x-request-id'] ?? '').split('-')[0] ?? '';
    });
    ws.on('message', (data) => {
      const frame: Frame = JSON.parse(String(data));
      this.frames.push(frame);
      if (sends?.safeParse(frame).success === false) throw new Error(`no frame of the contract: ${data}`);
    });
    ws.on('pong', () => {
      this.pongs += 1;
    });
    ws.on('close', (code, reason) => {
      this.#close = { code, reason: String(reason) };
    });
    ws.on('error', () => undefined); // A refused upgrade; `close` follows.
  }

  static open(url: string, options: ClientOptions = {}, protocols: string[] = []): Promise<TestSocket> {
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(url, protocols, options);
      const socket = new TestSocket(ws, channelOf(new URL(url).pathname)?.sends);
      ws.once('open', () => resolve(socket));
      ws.once('error', reject);
    });
  }

  static refused(url: string, options: ClientOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(url, options);
      ws.once('open', () => {
        ws.close();
        reject(new Error('the upgrade was accepted'));
      });
      ws.on('error', () => undefined);
      ws.once('unexpected-response', (_request, response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => {
          ws.terminate();
          const headers = new Headers(response.headers as Record<string, string>);
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text), headers });
        });
      });
    });
  }

  /** Which worker the socket is on: the same text for two of one worker; '' when its token was new there. */
  get worker(): string {
    return this.#worker;
  }

  get protocol(): string {
    return this.#ws.protocol;
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN;
  }

  send(frame: object | string | Buffer): void {
    if (typeof frame === 'object' && 'text' in frame) noteText(frame.text);
    this.#ws.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame));
  }

  /** Sends a message. */
  says(text: string, clientId?: string): void {
    this.send({ type: 'message', text, ...(clientId !== undefined && { client_id: clientId }) });
  }

  edits({ id }: Frame, text: string, clientId?: string): void {
    this.#change('edit', id, { text, client_id: clientId });
  }

  deletes({ id }: Frame, clientId?: string): void {
    this.#change('delete', id, { client_id: clientId });
  }

  /** Reacts to a message, or takes that back. */
  reacts({ id }: Frame, emoji: string, on?: boolean, clientId?: string): void {
    this.#change('react', id, { emoji, on, client_id: clientId });
  }

  #change(type: string, messageId: number, fields: object): void {
    this.send({ type, message_id: messageId, ...fields });
  }

  /** The next frame that was not taken yet, of any type. */
  async next(ms?: number): Promise<Frame> {
    const frame = await until(() => {
      if (this.#taken < this.frames.length) return this.frames[this.#taken] as object;
      if (this.#close) throw new Error(`closed with ${this.#close.code} ${this.#close.reason}`);
      return undefined;
    }, ms);
    this.#taken += 1;
    return frame;
  }

  /** The next frame, which must be of this type. */
  async nextOf(type: string, ms?: number): Promise<Frame> {
    const frame = await this.next(ms);
    if (frame.type !== type) throw new Error(`expected ${type}, got ${JSON.stringify(frame)}`);
    return frame;
  }

  /** The next frame, which must be a message of this text. */
  async hears(text: string, ms?: number): Promise<Frame> {
    const frame = await this.nextOf('message', ms);
    if (frame.text !== text) throw new Error(`expected ${text}, got ${JSON.stringify(frame)}`);
    return frame;
  }

  /** The close code and reason, when the other side has ended the socket. */
  closed(ms?: number): Promise<{ code: number; reason: string }> {
    return until(() => this.#close, ms);
  }

  close(): Promise<{ code: number; reason: string }> {
    this.#ws.close();
    return this.closed();
  }

  /** Cuts the connection without a close frame. */
  terminate(): void {
    this.#ws.terminate();
  }

  ping(): void {
    this.#ws.ping();
  }

  /** Stops and goes on reading from the network, as a peer that cannot keep up. */
  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }
}

/** The channel of a path, which may have a query. */
export function channelOf(of: string): Channel | undefined {
  const bare = of.split('?', 1)[0] ?? '';
  return channels.find(({ path }) => new RegExp(`^${path.replace('{id}', '[^/]+')}$`).test(bare));
}
