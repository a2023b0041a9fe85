import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { browse } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import { untakenBytes } from '../support/tcp.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

let server: TestServer;
afterEach(() => server.stop());

async function annAt(env: Record<string, string>, workers = 2): Promise<TestUser> {
  server = await TestServer.start({ workers, env });
  return server.user('Ann');
}

/** Connects as soon as there is a place again. */
function connectAgain(user: TestUser): Promise<TestSocket> {
  return until(() => user.connect('/main').catch(() => undefined));
}

const tooMany = (limit: string) => ({
  status: 429,
  body: { status: 'error', code: 'too_many_sockets', details: { limit } },
});

describe('the number of sockets', () => {
  it.each([
    ['in all', { SOCKETS_MAX: '3' }, 'sockets'],
    ['of a user', { SOCKETS_PER_USER_MAX: '3' }, 'sockets_per_user'],
    ['of an address', { SOCKETS_PER_ADDRESS_MAX: '3', TRUST_PROXY: 'loopback' }, 'sockets_per_address'],
  ])('%s is one for all workers, and a place is free again when a socket ends', async (_what, env, limit) => {
    const ann = await annAt(env);
    const sockets = await Promise.all(
      Array.from({ length: 8 }, () => ann.connect('/main').catch(() => undefined)),
    );
    const open = sockets.filter((socket) => socket !== undefined);
    expect(open).toHaveLength(3);
    expect(await ann.refusal('/main')).toMatchObject(tooMany(limit));
    const browser = await browse(ann, '/main');
    expect(await browser.closed()).toEqual({ code: 4429, reason: 'too_many_sockets' });

    await open[0]?.close();
    const next = await connectAgain(ann);
    expect(await ann.refusal('/main')).toMatchObject(tooMany(limit));
    open[1]?.terminate();
    await connectAgain(ann);
    expect(next.isOpen).toBe(true);
  });

  it('of one address is no matter of others behind the same proxy, and IPv6 is counted by networks', async () => {
    const ann = await annAt({ SOCKETS_PER_ADDRESS_MAX: '1', TRUST_PROXY: '127.0.0.1' });
    const from = (address: string) => ({ 'x-forwarded-for': address });
    const connect = (address: string) => ann.connect('/main', from(address));
    await connect('203.0.113.1');
    expect(await ann.refusal('/main', from('203.0.113.1'))).toMatchObject(tooMany('sockets_per_address'));
    expect(await ann.refusal('/main', from('198.51.100.7, 203.0.113.1'))).toMatchObject(
      tooMany('sockets_per_address'),
    );
    await connect('203.0.113.2');
    await connect('2001:db8:1:2::1');
    expect(await ann.refusal('/main', from('2001:db8:1:2:ffff::1'))).toMatchObject(
      tooMany('sockets_per_address'),
    );
    await connect('2001:db8:1:3::1');
  });

  it('of an address is not limited on loopback while no proxy is trusted, which one line says', async () => {
    const ann = await annAt({ SOCKETS_PER_ADDRESS_MAX: '1' });
    await Promise.all([1, 2, 3].map(() => ann.connect('/main')));
    const warnings = server.logOf('ledger').filter(({ level }) => level === 'warn');
    expect(warnings).toEqual([expect.objectContaining({ msg: expect.stringContaining('TRUST_PROXY') })]);
  });

  it('is known to a worker and to a ledger that take the place of others', async () => {
    const ann = await annAt({ SOCKETS_PER_USER_MAX: '4' });
    const sockets = await Promise.all([1, 2, 3, 4].map(() => ann.connect('/main')));
    const before = await server.pids();
    process.kill(before.ledger, 'SIGKILL');
    await until(async () => (await server.pids()).ledger !== before.ledger);
    // Until the new ledger is there, the answer is 503. On a busy machine a worker may report its sockets late.
    const refused = () =>
      until(async () => {
        const answer = await ann.refusal('/main').catch(() => undefined);
        return answer?.status === 429 ? answer : undefined;
      });
    await refused();
    expect(sockets.every((socket) => socket.isOpen)).toBe(true);

    const [worker] = before.workers;
    if (worker === undefined) throw new Error('there is no worker');
    process.kill(worker, 'SIGKILL');
    await until(async () => !(await server.pids()).workers.includes(worker));
    await until(async () => (await ann.get('/user').catch(() => undefined))?.status === 200);
    // Whoever lost a socket comes back, as soon as the end of those is known; then there are as many as before.
    // The client may hear of an end later than the test.
    const all = new Set(sockets);
    const answer = await until(async () => {
      for (const socket of all) if (!socket.isOpen) all.delete(socket);
      if (all.size < 4) all.add(await connectAgain(ann));
      const { status, body } = await ann.refusal('/main').catch(() => ({ status: 0, body: {} }));
      return status === 429 && { status, body };
    });
    expect(answer).toMatchObject(tooMany('sockets_per_user'));
    expect(all.size).toBe(4);
  });

  it('counts those that ended and take nothing, as long as what is for them is held', async () => {
    const ann = await annAt({ SOCKETS_PER_USER_MAX: '3', TEXT_CHARACTERS_MAX: '8192' }, 1);
    const bob = await server.user('Bob');
    const group = await bob.groupWith(ann);
    const sender = await bob.connect(`/group/${group}`);
    // More than the kernel takes in for a peer that does not read.
    for (let n = 0; n < 700; n++) sender.says(`${n} ${'語'.repeat(8000)}`);
    await until(() =>
      sender.frames.some((frame) => frame.type === 'message' && frame.text.startsWith('699 ')),
    );
    const open = await Promise.all(Array.from({ length: 3 }, () => ann.connect(`/group/${group}?after=0`)));
    for (const socket of open) socket.pause();
    // What the kernel holds grows no more: the rest waits in the worker.
    let before = '';
    await until(async () => {
      const held = untakenBytes(server);
      const isFull = held.length === open.length && before === String(held);
      before = String(held);
      return isFull || setTimeout(300, undefined);
    });
    for (const socket of open) void socket.close();
    await setTimeout(500);
    expect(await ann.refusal('/main')).toMatchObject(tooMany('sockets_per_user'));
    for (const socket of open) socket.terminate();
  });

  it('is not limited by 0', async () => {
    const ann = await annAt({ SOCKETS_PER_USER_MAX: '0' }, 1);
    await Promise.all(Array.from({ length: 1100 }, () => ann.connect('/main')));
    expect((await ann.get('/user')).status).toBe(200);
  });
});
