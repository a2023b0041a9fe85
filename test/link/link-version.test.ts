import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LinkClient } from '../../src/link/client.js';
import {
  encode,
  type Greeting,
  LINK_VERSION,
  lineReader,
  linkPath,
  type ToLedger,
  type ToWorker,
} from '../../src/link/protocol.js';
import { SCHEMA_VERSION } from '../../src/store/sqlite/upkeep/migrations.js';
import { connectLink, TestLedger, temporaryFolder } from '../support/ledger.js';
import { until } from '../support/wait.js';

const NEIGHBOURS = [LINK_VERSION - 1, LINK_VERSION + 1];
const GREETING: Greeting = { schema: SCHEMA_VERSION, incarnation: 'another', newest: 0 };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

describe.each(NEIGHBOURS)('a worker that meets a ledger of version %i', (version) => {
  let ledger: Server;
  const received: ToLedger[] = [];
  const connections = new Set<Socket>();
  let link: LinkClient;
  afterEach(async () => {
    link.close();
    for (const socket of connections) socket.destroy();
    await new Promise((resolve) => ledger.close(resolve));
  });

  it('ends with an error, and sends it no command', async () => {
    const path = join(folder.path, 'other.sock');
    ledger = createServer((socket) => {
      connections.add(socket);
      const read = lineReader<ToLedger>((message) => {
        received.push(message);
        socket.write(encode({ type: 'hello', version, ...GREETING }));
      });
      socket.setEncoding('utf8').on('data', read);
    });
    await new Promise<void>((resolve) => ledger.listen(path, resolve));

    const [accepted, fatal]: [Greeting[], unknown[]] = [[], []];
    let ready = false;
    link = new LinkClient({
      path,
      accept: (greeting) => accepted.push(greeting),
      fatal: (error) => fatal.push(error),
      warn: () => undefined,
      position: () => 0,
    });
    void link.connect().then(() => {
      ready = true;
    });
    const refused = expect(link.submit('reserve_id', { of: 'user' })).rejects.toMatchObject({
      code: 'timeout',
    });
    await until(() => fatal.length > 0);
    expect(String(fatal[0])).toContain(`version ${version} of the link, this worker version ${LINK_VERSION}`);
    expect(accepted).toEqual([]);
    expect([ready, link.connected]).toEqual([false, false]);
    expect(new Set(received.map(({ type }) => type))).toEqual(new Set(['hello']));
    link.close();
    await refused;
  });
});

describe('a message of the same version that only one end knows', () => {
  const unknown = '{"type":"gossip","about":"another"}\n';

  it('is ignored by the ledger', async () => {
    const ledger = await TestLedger.start(folder.path);
    const socket = connect(linkPath(folder.path));
    const received: ToWorker[] = [];
    socket.setEncoding('utf8').on(
      'data',
      lineReader<ToWorker>((message) => received.push(message)),
    );
    socket.write(encode({ type: 'hello', version: LINK_VERSION, worker: 'newer' }) + unknown);
    const reserve = '{"kind":"reserve_id","of":"user","why":"a field that is not known either"}';
    socket.write(`{"type":"batch","number":1,"confirmed":0,"crashes":0,"more":1,"commands":[${reserve}]}\n`);
    const answer = await until(() => received.find(({ type }) => type === 'outcomes'));
    expect(answer).toMatchObject({ type: 'outcomes', number: 1, outcomes: [{ ok: {} }] });
    expect(ledger.warnings).toEqual([]);
    socket.destroy();
    await ledger.stop();
  });

  it('is ignored by the worker', async () => {
    const path = join(folder.path, 'newer.sock');
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      const read = lineReader<ToLedger>((message) => {
        if (message.type === 'hello') {
          socket.write(encode({ type: 'hello', version: LINK_VERSION, ...GREETING }) + unknown);
        } else if (message.type === 'batch') {
          socket.write(`${unknown}{"type":"outcomes","number":1,"outcomes":[{"ok":{"id":7}}],"more":1}\n`);
        }
      });
      socket.setEncoding('utf8').on('data', read);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const link = await connectLink(folder.path, path);
    expect(await link.submit('reserve_id', { of: 'user' })).toEqual({ id: 7 });
    link.close();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe.each(NEIGHBOURS)('a ledger that meets a worker of version %i', (version) => {
  it('sends its hello, ends the connection, and goes on with the others', async () => {
    const ledger = await TestLedger.start(folder.path);
    const socket = connect(linkPath(folder.path));
    const received: ToWorker[] = [];
    let ended = false;
    socket.setEncoding('utf8').on(
      'data',
      lineReader<ToWorker>((message) => received.push(message)),
    );
    socket.on('end', () => {
      ended = true;
    });
    const other = await connectLink(folder.path);
    socket.write(encode({ type: 'hello', version, worker: 'other' }));
    await until(() => ended);
    const { incarnation } = ledger.store;
    expect(received).toEqual([
      { type: 'hello', version: LINK_VERSION, schema: SCHEMA_VERSION, incarnation, newest: 0 },
    ]);
    expect(ledger.warnings).toHaveLength(1);
    expect(ledger.warnings[0]).toContain(`version ${version}`);
    expect(await other.submit('reserve_id', { of: 'user' })).toEqual({ id: expect.any(Number) });
    other.close();
    socket.destroy();
    await ledger.stop();
  });
});
