import { connect, type Socket } from 'node:net';
import { contentType } from './multipart.js';
import { until } from './wait.js';

/** A connection on which a request is written by hand. */
export class RawUpload {
  text = '';
  ended = false;
  readonly socket: Socket;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      this.text += chunk;
    });
    socket.on('close', () => {
      this.ended = true;
    });
    socket.on('error', () => undefined); // A reset; `close` follows.
  }

  /** Connects, and sends the head of a request whose body is multipart. */
  static async begin(
    port: number,
    path: string,
    token: string | undefined,
    headers: readonly string[],
  ): Promise<RawUpload> {
    const socket = connect(port, '127.0.0.1');
    const request = new RawUpload(socket);
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const lines = [
      `POST /api/v1${path} HTTP/1.1`,
      'Host: x',
      ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
      `Content-Type: ${contentType()}`,
      ...headers,
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    return request;
  }

  /** Writes, and waits until the system took it. */
  write(bytes: Buffer | string): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  status(ms?: number): Promise<string> {
    return until(() => {
      const found = /^HTTP\/1\.1 (\d{3})/.exec(this.text)?.[1];
      if (found === undefined && this.ended) throw new Error('the connection was cut without an answer');
      return found;
    }, ms);
  }
}
