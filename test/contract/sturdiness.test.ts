import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { linesToBothWorkers } from '../support/lines.js';
import { TestServer } from '../support/server.js';
import { ask, join, type StrictUser, stopUnharmed } from '../support/strict.js';
import { statusOfBytes, TcpConnection } from '../support/tcp.js';
import { until } from '../support/wait.js';

let server: TestServer;
let alice: StrictUser;
let pids: Awaited<ReturnType<TestServer['pids']>>;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2 });
  alice = await join(server, 'Alice');
  pids = await server.pids();
});
afterAll(() => stopUnharmed(server));

/** A request as bytes; the head has a token unless it says otherwise. */
function bytes(line: string, headers: string[], body = ''): string {
  const head = ['Host: parley', `Authorization: Bearer ${alice.token}`, ...headers];
  return `${line} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${body}`;
}

/** Every process is the one that it was, and both workers answer. */
async function expectAlive(): Promise<void> {
  const lines = await linesToBothWorkers(server, alice);
  for (const line of lines) {
    expect((await line.ask(alice, 'POST', '/group', { name: 'alive' })).status).toBe(200);
    line.hangUp();
  }
  expect(await server.pids()).toEqual(pids);
}

const JSON_TYPE = 'Content-Type: application/json';
const BODY = '{"name":"g"}';
const LENGTH = `Content-Length: ${BODY.length}`;

/** What two servers in a row could read as two different requests. */
const AMBIGUOUS: [string, string[]][] = [
  ['two equal Content-Length', [LENGTH, LENGTH]],
  ['two different Content-Length', [LENGTH, 'Content-Length: 5']],
  ['two different Content-Length, in another case', [LENGTH, 'content-length: 0']],
  ['a list as Content-Length', [`Content-Length: ${BODY.length}, ${BODY.length}`]],
  ['a sign in Content-Length', [`Content-Length: +${BODY.length}`]],
  ['a negative Content-Length', ['Content-Length: -1']],
  ['letters in Content-Length', ['Content-Length: 0xc']],
  ['a Content-Length beyond all bounds', ['Content-Length: 99999999999999999999']],
  ['two Host', [LENGTH, 'Host: other']],
  ['two equal Host', [LENGTH, 'Host: parley']],
  ['two Authorization', [LENGTH, 'Authorization: Bearer x']],
  ['Content-Length beside Transfer-Encoding', [LENGTH, 'Transfer-Encoding: chunked']],
  ['a Transfer-Encoding that is unknown', ['Transfer-Encoding: gzip']],
  ['a Transfer-Encoding of two', ['Transfer-Encoding: gzip, chunked']],
  ['two Transfer-Encoding', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
];

describe('a request that two servers could read differently', () => {
  it.each(AMBIGUOUS)('is 400: %s', async (_what, headers) => {
    const request = bytes('POST /api/v1/group', [JSON_TYPE, ...headers], BODY);
    expect(await statusOfBytes(server, request)).toBe(400);
  });

  it.each(AMBIGUOUS)('ends the connection, so that nothing after it is read: %s', async (_what, headers) => {
    const connection = await TcpConnection.open(server);
    connection.write(bytes('POST /api/v1/group', [JSON_TYPE, ...headers], BODY));
    await connection.status();
    await connection.ended(3000);
  });

  it('creates nothing', async () => {
    const named = (await alice.get('/chats')).body.rooms.filter(({ name }: { name: string }) => name === 'g');
    expect(named).toEqual([]);
    await expectAlive();
  });
});

describe.each([
  '/api/v1/group',
  '/api/v1/nothing',
  '/healthz',
  '/readyz',
  '/',
  '/nothing',
])('on %s', (path) => {
  const SMUGGLED = 'GET /healthz HTTP/1.1\r\nHost: parley\r\nX-Pad: 0123456789\r\n\r\n';

  /** A 400, or the end of the connection; never an answer to what was smuggled. */
  async function isHeardAsNoRequest(headers: string[]): Promise<void> {
    for (const method of ['GET', 'POST']) {
      const connection = await TcpConnection.open(server);
      connection.write(bytes(`${method} ${path}`, [JSON_TYPE, ...headers], SMUGGLED));
      const answers = () => connection.text.match(/HTTP\/1\.1 \d{3}/g) ?? [];
      await Promise.race([connection.ended(3000), until(() => answers().length > 1)]);
      expect(['', 'HTTP/1.1 400']).toContain(answers().join());
      await connection.ended(3000);
    }
  }

  it('what follows a head with two Content-Length, the larger first, is no request', async () => {
    await isHeardAsNoRequest([`Content-Length: ${SMUGGLED.length}`, 'Content-Length: 2']);
  });

  // The engine forgets that it is to close when what is smuggled comes in the same segment.
  it('what follows a head with two Content-Length is no request', async () => {
    await isHeardAsNoRequest(['Content-Length: 2', `Content-Length: ${SMUGGLED.length}`]);
  });

  it('what follows a head with two Host is no request', async () => {
    await isHeardAsNoRequest(['Host: elsewhere']);
  });

  it('a head with two Host that comes alone is one 400, and the connection ends', async () => {
    const connection = await TcpConnection.open(server);
    connection.write(bytes(`GET ${path}`, ['Host: elsewhere']));
    expect(await connection.status()).toBe(400);
    await connection.ended(3000);
    expect(connection.text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 400']);
  });
});

describe('a request that is none', () => {
  it.each([
    ['noise', '\x00\x01\x02\xff\xfe\r\n\r\n'],
    ['no version', 'GET /api/v1/user\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
    ['a header without a colon', 'GET /healthz HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n'],
    ['nothing', ''],
  ])('harms nobody: %s', async (_what, text) => {
    const connection = await TcpConnection.open(server);
    connection.write(Buffer.from(text, 'latin1'));
    await expectAlive();
    connection.cut();
    await expectAlive();
  });

  it('is refused when its head is over 16 KiB', async () => {
    const status = await statusOfBytes(
      server,
      bytes('GET /api/v1/user', [`X-Filler: ${'x'.repeat(20_000)}`]),
    );
    expect(status).toBe(431);
    const large = bytes('GET /api/v1/user', [`X-Filler: ${'x'.repeat(12_000)}`]);
    expect(await statusOfBytes(server, large)).toBe(200);
  });
});

describe('a strange path or query', () => {
  it.each([
    '/api/v1/user/%',
    '/api/v1/user/%zz',
    '/api/v1/user/%00',
    '/api/v1/user/%ff%fe',
    '/api/v1/chats?limit=%zz',
    '/api/v1/chats?limit=%',
    '/api/v1/chats?&&==&limit',
    '/api/v1/chats?__proto__=1&constructor=2&limit=x',
    '/api/v1/group/1/delete?users=%ff',
    `/api/v1/${'x'.repeat(4000)}`,
    `/api/v1/user/${'1'.repeat(4000)}`,
    `/api/v1/${'/'.repeat(300)}`,
    '/api/v1/../../etc/passwd',
    '/api/v1/user/1/photo/../../../jwt.secret',
  ])('has an answer that blames the caller: %s', async (path) => {
    for (const method of ['GET', 'DELETE', 'POST']) {
      const status = await statusOfBytes(server, bytes(`${method} ${path}`, ['Content-Length: 0']));
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
    }
  });
});

describe('a body with strange names', () => {
  it('is a body like any other', async () => {
    for (const body of [
      '{"__proto__":{"name":"p"},"name":"proto"}',
      '{"constructor":1,"toString":2,"name":"ctor"}',
      `{"name":"deep","x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
    ]) {
      const answer = await ask(server, 'POST', '/api/v1/group', {
        token: alice.token,
        headers: { 'content-type': 'application/json' },
        body,
      });
      expect([200, 400]).toContain(answer.status);
    }
    await expectAlive();
  });
});

describe('a peer that goes away', () => {
  it('in the middle of its head, its body or its answer harms nobody', async () => {
    const halves = [
      'POST /api/v1/gro',
      bytes('POST /api/v1/group', [JSON_TYPE, 'Content-Length: 1000'], '{"name":"half'),
      bytes('POST /api/v1/group', [JSON_TYPE, 'Transfer-Encoding: chunked'], '5\r\n{"nam'),
      bytes('POST /api/v1/user', ['Content-Type: multipart/form-data; boundary=x', LENGTH], '--x\r\n'),
      bytes('POST /api/v1/group', [JSON_TYPE, 'Content-Length: 2000000'], ' '.repeat(500_000)),
      bytes('GET /api/v1/chats', []),
    ];
    await Promise.all(
      Array.from({ length: 120 }, async (_, n) => {
        const connection = await TcpConnection.open(server);
        connection.write(halves[n % halves.length] ?? '');
        // A turn of the loop, so that some are cut before and some after the server has read them.
        await new Promise((resolve) => setImmediate(resolve));
        connection.cut();
      }),
    );
    await expectAlive();
  });

  it('after it sent far more than its refused body may have harms nobody', async () => {
    for (const headers of [
      [JSON_TYPE, 'Content-Length: 8000000'],
      ['Content-Type: text/plain', 'Content-Length: 8000000'],
    ]) {
      const connection = await TcpConnection.open(server);
      connection.write(bytes('POST /api/v1/group', headers));
      for (let sent = 0; sent < 8_000_000; sent += 500_000) connection.write(' '.repeat(500_000));
      expect(await connection.status()).toBeGreaterThanOrEqual(400);
      connection.cut();
    }
    await expectAlive();
  });
});
