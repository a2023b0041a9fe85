import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Nothing hangs for so long: the engine gives 10 s to a head, or a body, by a clock that it reads every 4 s. */
const HANG_MS = 30_000;

export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Whoever is at the other end of a TCP connection: it writes any bytes, and hears what comes, and the end. */
export class Peer {
  readonly #socket: Socket;
  readonly #watchers = new Set<() => void>();
  #text = '';
  #ended = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text;
      this.#look();
    });
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        this.#ended = true;
        this.#look();
      });
    }
  }

  /** `secure`: over TLS, whatever the certificate. */
  static open(port: number, secure = false): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const opened = () => resolve(new Peer(socket));
      const socket: Socket = secure
        ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, opened)
        : connect(port, '127.0.0.1', opened);
      socket.once('error', reject);
    });
  }

  /** The answers whose head is there, in the order in which they came. */
  get answers(): readonly Answer[] {
    const answers: Answer[] = [];
    for (const text of this.#text.split(/(?=HTTP\/1\.1 \d{3} )/)) {
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) continue;
      answers.push({
        status: Number(text.slice(9, 12)),
        head: text.slice(0, end),
        body: text.slice(end + 4),
      });
    }
    return answers;
  }

  /** The server has ended the connection. */
  get ended(): boolean {
    return this.#ended;
  }

  write(bytes: string): void {
    this.#socket.write(bytes, 'latin1');
  }

  /** Says that nothing more comes from here. */
  finish(): void {
    this.#socket.end();
  }

  cut(): void {
    this.#socket.destroy();
  }

  /** Resolves when there are so many answers, or the connection has ended. */
  hears(answers: number): Promise<void> {
    return this.#until(() => this.#ended || this.answers.length >= answers);
  }

  /** Resolves when the server has ended the connection. */
  end(): Promise<void> {
    return this.#until(() => this.#ended);
  }

  #until(done: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (!done()) return;
        clearTimeout(timer);
        this.#watchers.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#watchers.delete(look);
        reject(new Error(`nothing more in ${HANG_MS} ms after ${JSON.stringify(this.#text)}`));
      }, HANG_MS);
      this.#watchers.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of [...this.#watchers]) look();
  }
}

/** The body is as long as the head says; the engine's own answers do not say it, and end with the connection. */
export function isFramed({ status, head, body }: Answer, toHead = false): boolean {
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  if (toHead || status === 204) return body === '';
  return length === undefined ? status >= 400 || body === '' : body.length === Number(length);
}
