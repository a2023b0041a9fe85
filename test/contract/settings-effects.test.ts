import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { live } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import { stopUnharmed } from '../support/strict.js';

/** Runs what is to be seen of a server with these settings. */
async function withSettings(env: Record<string, string>, see: (server: TestServer) => Promise<void>) {
  const server = await TestServer.start({ workers: 1, env });
  try {
    await see(server);
  } finally {
    await stopUnharmed(server);
  }
}

/** Whether somebody listens there. */
function isOpen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

it('HOST is the address that is listened on, and no other', () =>
  withSettings({ HOST: '127.0.0.2' }, async ({ port }) => {
    expect(await isOpen('127.0.0.2', port)).toBe(true);
    expect(await isOpen('127.0.0.1', port)).toBe(false);
  }));

it('TEXT_CHARACTERS_MAX is the length of a message', () =>
  withSettings({ TEXT_CHARACTERS_MAX: '10', LOG_LEVEL: 'trace' }, async (server) => {
    const [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
    const socket = await live(alice, `/chat/${await alice.chatWith(bob)}`);
    socket.says('😀'.repeat(11));
    expect(await socket.next()).toMatchObject({ type: 'error', code: 'invalid_field' });
    socket.says('😀'.repeat(10));
    await socket.hears('😀'.repeat(10));
    await socket.close();
    const { lines, greeting } = greetingIn(server);
    expect(lines.filter((line) => line.includes('listening'))).toEqual([greeting]);
  }));

it('LOG_LEVEL=silent leaves the one line that says where the server is listening', () =>
  withSettings({ LOG_LEVEL: 'silent' }, async (server) => {
    expect((await (await server.user('Alice')).get('/user')).status).toBe(200);
    const { lines, greeting } = greetingIn(server);
    expect(lines).toEqual([greeting]);
  }));

/** What the server wrote, and the line that it must be told by at every level. */
function greetingIn({ output, port }: TestServer): { lines: string[]; greeting: string } {
  const lines = output.split('\n').filter((line) => line !== '');
  return { lines, greeting: `parley listening on http://127.0.0.1:${port} (workers: 1)` };
}
