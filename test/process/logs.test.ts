import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { patchedBuild } from '../support/build.js';
import { temporaryFolder } from '../support/ledger.js';
import { TestServer } from '../support/server.js';
import { TcpConnection } from '../support/tcp.js';
import { forge } from '../support/tokens.js';
import { until } from '../support/wait.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let server: TestServer;
beforeAll(async () => {
  folder = await temporaryFolder();
  // Every request for nothing fails, with the words of its user agent.
  const failing = {
    file: 'server/http/router.js',
    from: "const notFound = (exchange) => exchange.error(new ChatError('not_found'));",
    to: "const notFound = (exchange) => { throw new Error(exchange.header('user-agent')); };",
  };
  server = await TestServer.start({ workers: 1, main: patchedBuild(folder.path, [failing]) });
});
afterAll(async () => {
  await server.stop();
  await folder.remove();
});

interface Line {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly err: { readonly message: string };
}

/** Sends a request; resolves to the status, and what the log says of it when it failed. */
async function fail(method: string, target: string, agent: string): Promise<{ status: number; line?: Line }> {
  const connection = await TcpConnection.open(server);
  connection.write(`${method} ${target} HTTP/1.1\r\nHost: parley\r\nUser-Agent: ${agent}\r\n\r\n`);
  const status = await connection.status();
  const requestId = /^x-request-id: (\S+)/im.exec(connection.text)?.[1];
  connection.cut();
  if (status !== 500) return { status };
  const find = () => server.logOf('worker 1').find((line) => line['requestId'] === requestId);
  return { status, line: (await until(find)) as unknown as Line };
}

const FORGED = '{"level":"fatal","msg":"forged"}';
/** What nobody may put into a line as it is. */
const UNSAFE = /[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u;

describe('the log of a request that failed', () => {
  it.each([
    ['as it is', '/nothing', 'agent/1.0'],
    ['with what is escaped in it', '/%0d%0a%1b[2J', `%0d%0a${FORGED}`],
    ['with quotes', `/"}${FORGED}`, `"}${FORGED}\\`],
    ['with backslashes', '/\\n\\r\\u000a', '\\n\\r\\u001b'],
    ['with DEL', '/\u007f', '\u007f'],
    ['with C1 controls', '/\u0085\u009b2J', '\u0085\u009b2J'],
    ['with line ends of Unicode', `/\u2028${FORGED}\u2029`, `\u2028${FORGED}\u2029`],
    ['with what turns text', '/\u202egnp.exe\u2066', '\u202e\u2069\u200f'],
    ['with what is not seen', '/\ufeff\u200b\u{e0041}', '\ufeff\u200b'],
    ['with a tab', '/x', 'a\tb'],
  ])('%s is one line that says so', async (_what, path, hostile) => {
    const agent = `a${hostile}z`; // The engine takes what is not ASCII for white space at the ends.
    const { status, line } = await fail('GET', path, agent);
    expect(status).toBe(500);
    expect(Object.keys(line ?? {})).toEqual([
      'level',
      'time',
      'process',
      'err',
      'requestId',
      'method',
      'path',
      'msg',
    ]);
    expect(line).toMatchObject({ level: 'error', method: 'GET', msg: 'a request failed' });
    expect([line?.path, line?.err.message]).toEqual([path, agent]);
  });

  it.each([
    [400, `GET"}${FORGED}`, '/nothing'],
    [505, 'G\u001b[2J', '/nothing'],
    [505, 'G\u009bT', '/nothing'],
    [505, 'GET', '/\u001b[2J'],
    [505, 'GET', '/\u0001'],
    [505, 'GET', '/a\tb'],
  ])('is none when it is refused for its characters, with %i: %j %j', async (status, method, target) => {
    expect(await fail(method, target, 'agent')).toEqual({ status });
  });

  it('never has the query', async () => {
    const token = forge({ alg: 'HS256' }, { sub: 1 });
    const { status, line } = await fail('GET', `/nothing?access_token=${token}&x=secret`, 'agent');
    expect([status, line?.path]).toEqual([500, '/nothing']);
    expect(server.output).not.toMatch(/access_token|eyJ|x=secret/);
  });

  it('has no line but whole ones, in characters that do nothing', () => {
    const lines = server.output.split('\n').filter((line) => line.includes('a request failed'));
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: 'error', process: 'worker 1' });
    expect(server.output).not.toMatch(UNSAFE);
    const others = server.output.split('\n').filter((line) => !line.startsWith('{"level":"'));
    expect(others).toEqual([expect.stringContaining('listening'), '']);
  });
});
