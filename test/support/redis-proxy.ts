import { connect, createServer, type Server, type Socket } from 'node:net';

/** What becomes of one published message: whatever is returned is passed on in its place, in order. */
export type Lie = (payload: string) => readonly (string | Buffer)[] | Promise<readonly (string | Buffer)[]>;

/** Stands between parley and Redis, and lies about what is published to channels that end in `:log`. */
export class LyingProxy {
  lie: Lie = (payload) => [payload];
  /** Messages that it had its way with. */
  lies = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(redisPort: number) {
    this.#server = createServer((client) => this.#accept(client, redisPort));
  }

  static async start(redisPort: number): Promise<LyingProxy> {
    const proxy = new LyingProxy(redisPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    return `redis://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  }

  /** Sends these bytes to every client, as if Redis had. */
  say(bytes: string): void {
    for (const socket of this.#sockets) if (!socket.destroyed) socket.write(bytes);
  }

  async stop(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
  }

  #accept(client: Socket, redisPort: number): void {
    const redis = connect(redisPort, '127.0.0.1');
    this.#sockets.add(client);
    client.pipe(redis);
    let rest: Buffer = Buffer.alloc(0);
    redis.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (let end = endOfValue(rest, 0); end !== undefined; end = endOfValue(rest, 0)) {
        this.#pass(client, rest.subarray(0, end));
        rest = rest.subarray(end);
      }
    });
    for (const [one, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      one.on('error', () => one.destroy());
      one.on('close', () => other.destroy());
    }
    client.on('close', () => this.#sockets.delete(client));
  }

  #pass(client: Socket, value: Buffer): void {
    const message = /^>3\r\n\$7\r\nmessage\r\n\$\d+\r\n([^\r]*:log)\r\n\$\d+\r\n(.*)\r\n$/s.exec(
      String(value),
    );
    if (message === null) {
      client.write(value);
      return;
    }
    const [, channel = '', payload = ''] = message;
    this.lies += 1;
    void Promise.resolve(this.lie(payload)).then((payloads) => {
      for (const instead of payloads) if (!client.destroyed) client.write(push(channel, instead));
    });
  }
}

function push(channel: string, payload: string | Buffer): Buffer {
  const head = `>3\r\n$7\r\nmessage\r\n$${channel.length}\r\n${channel}\r\n$${Buffer.byteLength(payload)}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(payload), Buffer.from('\r\n')]);
}

/** Where the RESP value that begins at `start` ends; undefined while it is not all there. */
function endOfValue(bytes: Buffer, start: number): number | undefined {
  const line = bytes.indexOf('\r\n', start);
  if (start >= bytes.length || line < 0) return undefined;
  const type = String.fromCharCode(bytes[start] ?? 0);
  const length = Number(bytes.toString('latin1', start + 1, line));
  let end: number | undefined = line + 2;
  if ('$=!'.includes(type)) {
    if (length >= 0) end += length + 2;
    return end <= bytes.length ? end : undefined;
  }
  const items = '*~>'.includes(type) ? length : type === '%' ? 2 * length : 0;
  for (let item = 0; item < items && end !== undefined; item++) end = endOfValue(bytes, end);
  return end;
}
