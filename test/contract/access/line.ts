import { connect, type Socket } from 'node:net';

const HANDSHAKE = [
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', // RFC 6455, 1.3
  'Sec-WebSocket-Version: 13',
];

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  /** JSON. */
  readonly body?: string | undefined;
  /** For an upgrade: how the token is carried. */
  readonly upgrade?: 'header' | 'chat.v1';
}

/** The request as bytes, the same for all but what is asked for. */
export function bytesOf({ method, path, token, body, upgrade }: Asked): string {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1'];
  if (upgrade === 'chat.v1') lines.push(`Sec-WebSocket-Protocol: chat.v1, bearer.${token}`);
  else lines.push(`Authorization: Bearer ${token}`);
  if (upgrade !== undefined) lines.push(...HANDSHAKE);
  if (body !== undefined)
    lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

/** A connection that is kept, on which answers are taken byte for byte. */
export class ByteLine {
  readonly #socket: Socket;
  #text = '';
  #ended = false;
  #look: () => void = () => undefined;

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

  static dial(port: number): Promise<ByteLine> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new ByteLine(socket)));
      socket.once('error', reject);
    });
  }

  /** Sends a request, and resolves to its whole answer: of an upgrade up to the close frame. */
  ask(request: string): Promise<string> {
    const toHead = request.startsWith('HEAD ');
    this.#text = '';
    this.#socket.write(request, 'latin1');
    return new Promise((resolve, reject) => {
      this.#look = () => {
        if (isWhole(this.#text, toHead)) resolve(this.#text);
        else if (this.#ended) reject(new Error(`the connection ended after ${JSON.stringify(this.#text)}`));
      };
    });
  }

  hangUp(): void {
    this.#socket.destroy();
  }
}

function isWhole(text: string, toHead: boolean): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const body = text.length - end - 4;
  // A close frame of the server: two bytes, the second of which is the length of what follows.
  if (text.startsWith('HTTP/1.1 101 ')) return body >= 2 && body >= 2 + text.charCodeAt(end + 5);
  return toHead || body >= Number(/^content-length: (\d+)$/im.exec(text.slice(0, end))?.[1]);
}
