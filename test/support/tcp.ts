import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { TestServer } from './server.js';
import { until } from './wait.js';

/** The bytes that the peers of a server have not taken yet, one number for each connection that has some. */
export function untakenBytes({ port }: TestServer): number[] {
  const lines = ['tcp', 'tcp6'].flatMap((family) => readFileSync(`/proc/net/${family}`, 'utf8').split('\n'));
  const ofServer = new RegExp(
    `^ *\\d+: [\\dA-F]+:${port.toString(16).toUpperCase().padStart(4, '0')} \\S+ 01 ([\\dA-F]+):`,
  );
  return lines
    .map((line) => Number.parseInt(ofServer.exec(line)?.[1] ?? '0', 16))
    .filter((bytes) => bytes > 0);
}

/** A TCP connection on which a test writes bytes that no HTTP client would. */
export class TcpConnection {
  readonly #socket: Socket;
  #text = '';
  #ended = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text;
    });
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.#ended = true;
      });
    }
  }

  static open(server: TestServer): Promise<TcpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1', () => resolve(new TcpConnection(socket)));
      socket.once('error', reject);
    });
  }

  /** Everything that the server sent. */
  get text(): string {
    return this.#text;
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The status of the first answer; rejects when the connection ends without one. */
  status(): Promise<number> {
    return until(() => {
      const line = /^HTTP\/1\.1 (\d{3})/.exec(this.#text);
      if (line !== null) return Number(line[1]);
      if (this.#ended) throw new Error(`the connection ended after ${JSON.stringify(this.#text)}`);
      return undefined;
    });
  }

  /** Resolves when the server has ended the connection. */
  ended(ms?: number): Promise<true> {
    return until(() => this.#ended || undefined, ms);
  }

  /** Cuts the connection. */
  cut(): void {
    this.#socket.destroy();
  }
}
