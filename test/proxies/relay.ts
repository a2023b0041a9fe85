import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Of each connection; photos are larger. */
const KEPT_BYTES_MAX = 256 * 1024;

/** Stands between a proxy and a server, passes everything on, and keeps what the proxy sent. */
export class Relay {
  /** For each connection of the proxy, what came on it last. */
  readonly received: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: number) {
    this.#server = createServer((socket) => this.#pass(socket, server));
  }

  /** In front of what listens on the port `server`. */
  static async open(server: number): Promise<Relay> {
    const relay = new Relay(server);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The head of the one request that has this in it. */
  headWith(text: string): string {
    const heads = this.received.flatMap((all) => all.split('\r\n\r\n')).filter((head) => head.includes(text));
    if (heads.length !== 1) throw new Error(`${heads.length} requests with ${text} came here`);
    const head = heads[0] ?? '';
    // Before its first line may stand the end of a body.
    return head.slice(head.lastIndexOf('\n', head.indexOf(text)) + 1);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(near: Socket, server: number): void {
    const index = this.received.push('') - 1;
    const far = connect(server, '127.0.0.1');
    near.on('data', (bytes) => {
      this.received[index] = `${this.received[index]}${bytes.toString('latin1')}`.slice(-KEPT_BYTES_MAX);
    });
    near.pipe(far).pipe(near);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => undefined); // `close` follows.
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }
}

/** Answers each connection of a proxy as the test says. Resolves when it listens. */
export async function upstream(
  answer: (request: string, socket: Socket) => void,
): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    socket.on('data', (bytes) => answer(bytes.toString('latin1'), socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
