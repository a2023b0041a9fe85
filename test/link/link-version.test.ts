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

const OTHER = LINK_VERSION + 1;
const GREETING: Greeting = { schema: SCHEMA_VERSION, incarnation: 'another', newest: 0 };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

describe('a worker that meets a ledger of another version', () => {
  let ledger: Server;
  const heard: ToLedger[] = [];
  const connections = new Set<Socket>();
  let link: LinkClient;
  afterEach(async () => {
    link.close();
    for (const socket of connections) socket.destroy();
    await new Promise((resolve) => ledger.close(resolve));
  });

  it('hears so, gives up, and sends it nothing', async () => {
    const path = join(folder.path, 'other.sock');
    ledger = createServer((socket) => {
      connections.add(socket);
      const read = lineReader<ToLedger>((message) => {
        heard.push(message);
        socket.write(encode({ type: 'hello', version: OTHER, ...GREETING }));
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
    expect(String(fatal[0])).toContain(`version ${OTHER}`);
    expect(accepted).toEqual([]);
    expect([ready, link.connected]).toEqual([false, false]);
    expect(new Set(heard.map(({ type }) => type))).toEqual(new Set(['hello']));
    link.close();
    await refused;
  });
});

describe('of one version, a message that only one end knows', () => {
  const unknown = '{"type":"gossip","about":"another"}\n';

  it('is ignored by the ledger', async () => {
    const ledger = await TestLedger.start(folder.path);
    const socket = connect(linkPath(folder.path));
    const said: ToWorker[] = [];
    socket.setEncoding('utf8').on(
      'data',
      lineReader<ToWorker>((message) => said.push(message)),
    );
    socket.write(encode({ type: 'hello', version: LINK_VERSION, worker: 'newer' }) + unknown);
    const reserve = '{"kind":"reserve_id","of":"user","why":"a field that is not known either"}';
    socket.write(`{"type":"batch","number":1,"confirmed":0,"crashes":0,"more":1,"commands":[${reserve}]}\n`);
    const answer = await until(() => said.find(({ type }) => type === 'outcomes'));
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

describe('a ledger that meets a worker of another version', () => {
  it('says who it is, ends the connection, and goes on with the others', async () => {
    const ledger = await TestLedger.start(folder.path);
    const socket = connect(linkPath(folder.path));
    const said: ToWorker[] = [];
    let ended = false;
    socket.setEncoding('utf8').on(
      'data',
      lineReader<ToWorker>((message) => said.push(message)),
    );
    socket.on('end', () => {
      ended = true;
    });
    socket.write(encode({ type: 'hello', version: OTHER, worker: 'old' }));
    await until(() => ended);
    const { incarnation } = ledger.store;
    expect(said).toEqual([
      { type: 'hello', version: LINK_VERSION, schema: SCHEMA_VERSION, incarnation, newest: 0 },
    ]);
    expect(ledger.warnings).toHaveLength(1);
    expect(ledger.warnings[0]).toContain(`version ${OTHER}`);
    socket.destroy();
    await ledger.stop();
  });
});
