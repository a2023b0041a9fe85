import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { channels } from '../../../src/api/routes.js';
import { TestServer } from '../../support/server.js';
import { TestSocket } from '../../support/socket.js';
import { ask, expectRefusal, stopUnharmed } from '../../support/strict.js';
import { CHANNEL_RULES, type Hearing, ROLES, type Role } from './rules.js';
import { pathTo, Scene, UNKNOWN_ID } from './scene.js';

let server: TestServer;
let scene: Scene;
beforeAll(async () => {
  server = await TestServer.shared();
  scene = await Scene.open(server);
  await scene.revoke();
});
afterAll(() => stopUnharmed(server));

const urlOf = (path: string, id: number) => `${server.url.replace('http', 'ws')}${pathTo(path, id)}`;

/** With the token in the header. */
async function knock(path: string, id: number, role: Role): Promise<Hearing['status']> {
  const token = scene.token(role);
  const options = { headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }) } };
  // Only a refused upgrade has an answer to give; of an accepted one there is a socket.
  const opened = await TestSocket.open(urlOf(path, id), options).catch(() => undefined);
  if (opened !== undefined) {
    expect(await fateOf(opened)).toBe('open');
    return '101';
  }
  const { status, body } = await TestSocket.refused(urlOf(path, id), options);
  return `${status} ${body.code}` as Hearing['status'];
}

/** With the token among the subprotocols. */
async function browse(path: string, id: number, role: Role): Promise<Hearing['close']> {
  const token = scene.token(role);
  const offers = ['chat.v1', ...(token === undefined ? [] : [`bearer.${token}`])];
  const socket = await TestSocket.open(urlOf(path, id), {}, offers);
  expect(socket.protocol).toBe('chat.v1');
  return fateOf(socket);
}

/** A refused socket is closed before it hears anything; what any other says is answered. */
async function fateOf(socket: TestSocket): Promise<Hearing['close']> {
  socket.send({ type: 'hello?' });
  const heard = await socket.next().catch(() => undefined);
  if (heard !== undefined) {
    await socket.close();
    return 'open';
  }
  const { code, reason } = await socket.closed();
  return `${code} ${reason}` as Hearing['close'];
}

it('every channel has a rule, and no rule is without its channel', () => {
  expect(Object.keys(CHANNEL_RULES).sort()).toEqual(channels.map((channel) => channel.of).sort());
  for (const { path, of } of channels)
    expect([of, CHANNEL_RULES[of].unknown !== undefined]).toEqual([of, path.includes('{id}')]);
});

describe.each(channels)('$path', ({ path, of }) => {
  const { about, verdicts } = CHANNEL_RULES[of];

  it.each(
    ROLES.map((role) => [role, verdicts[role].status, verdicts[role].close] as const),
  )('is to %s %s by the header, %s as chat.v1', async (role, status, close) => {
    const id = scene.idOf(about, role);
    expect(await knock(path, id, role)).toBe(status);
    expect(await browse(path, id, role)).toBe(close);
  });

  it('is 426 to whoever has a token and asks for no upgrade, whatever they ask for', async () => {
    for (const role of ROLES) {
      const answer = await ask(server, 'GET', pathTo(path, scene.idOf(about, role)), {
        token: scene.token(role),
      });
      if (verdicts[role].status === '401 unauthorized') expectRefusal(answer, 401, 'unauthorized');
      else expectRefusal(answer, 426, 'upgrade_required');
    }
  });
});

const WITH_ID = channels.filter(({ of }) => CHANNEL_RULES[of].unknown !== undefined);

it.each(WITH_ID)('$path tells the owner that an id was never given', async ({ path, of }) => {
  expect(await knock(path, UNKNOWN_ID, 'owner')).toBe(CHANNEL_RULES[of].unknown?.status);
  expect(await browse(path, UNKNOWN_ID, 'owner')).toBe(CHANNEL_RULES[of].unknown?.close);
});
