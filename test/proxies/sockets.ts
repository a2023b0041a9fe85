import { expect, it } from 'vitest';
import { ask, CHAT } from '../conformance/http/case.js';
import { Peer } from '../conformance/http/peer.js';
import { browse, live, wsUrl } from '../support/chat.js';
import { TestSocket } from '../support/socket.js';
import { forgeLong } from '../support/tokens.js';
import { TestUser } from '../support/user.js';
import type { Behind, CurrentBehind } from './behind.js';

const PATH = `/chat/${CHAT}`;
const IDLE_MS = 13_000;
/** Four bytes in UTF-8, and as JSON with escapes twelve. */
const EMOJI = '\u{1f600}';
const ESCAPED = '\\ud83d\\ude00';

/** Two who say nothing for longer than anything but a WebSocket may, and then something. */
export async function silence({ alice, bob }: Behind): Promise<string> {
  const id = await alice.groupWith(bob);
  const [from, to] = [await live(alice, `/group/${id}`), await live(bob, `/group/${id}`)];
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  from.says('after a long time');
  const { text } = await to.hears('after a long time');
  await Promise.all([from.close(), to.close()]);
  return text;
}

export function sockets(current: CurrentBehind, afterSilence: () => Promise<string>): void {
  it('carries frames both ways', async () => {
    const [alice, bob] = [await live(current().alice, PATH), await live(current().bob, PATH)];
    alice.says('Hello!', 'first');
    expect(await bob.hears('Hello!')).toMatchObject({
      author: { id: current().alice.id },
      client_id: 'first',
    });
    await alice.hears('Hello!');
    bob.send({ type: 'typing' });
    await alice.nextOf('typing');
    expect(await alice.close()).toMatchObject({ code: 1005 });
    bob.terminate();
  });

  it('carries the largest message, and a history of many', async () => {
    const { alice, bob } = current();
    const id = await alice.groupWith(bob);
    const [from, to] = [await live(alice, `/group/${id}`), await live(bob, `/group/${id}`)];
    const text = EMOJI.repeat(4096);
    for (let n = 0; n < 40; n++) {
      from.send(`{"type":"message","text":"${ESCAPED.repeat(4096)}"}`);
      await to.hears(text);
    }
    const reader = await bob.connect(`/group/${id}`);
    const { messages, more } = await reader.nextOf('history');
    expect([messages.length, more]).toEqual([15, true]);
    expect(messages.every((message: { text: string }) => message.text === text)).toBe(true);
    for (const socket of [from, to, reader]) socket.terminate();
  });

  it('passes a token of 12 KiB in the subprotocol and in the query', async () => {
    const { alice } = current();
    const token = forgeLong(12_288, { sub: alice.id });
    const path = wsUrl(alice, PATH);
    const sockets = [
      await TestSocket.open(path, {}, ['chat.v1', `bearer.${token}`]),
      await TestSocket.open(`${path}?access_token=${token}`),
    ];
    for (const socket of sockets) {
      await socket.nextOf('history');
      await socket.close();
    }
  });

  it('passes on why a socket was closed', async () => {
    const { alice, bob } = current();
    const id = await alice.groupWith(bob);
    const [removed, deleted] = [await live(bob, `/group/${id}`), await live(alice, `/group/${id}`)];
    await alice.delete(`/group/${id}/delete`, { users: [{ id: bob.id }] });
    expect(await removed.closed()).toMatchObject({ code: 4403 });
    await alice.delete(`/group/${id}`);
    expect(await deleted.closed()).toMatchObject({ code: 4410 });
    const large = await live(alice, PATH);
    large.send('x'.repeat(60 * 1024 + 1));
    expect(await large.closed()).toMatchObject({ code: 1009 });
  });

  it('carries the token of a browser, and tells it why it may not', async () => {
    const { alice } = current();
    const browser = await browse(alice, PATH);
    expect(browser.protocol).toBe('chat.v1');
    await browser.nextOf('history');
    await browser.close();
    const nobody = await browse(new TestUser(alice.url, 'no.token.here', 1, 'Nobody'), PATH);
    expect(await nobody.closed()).toMatchObject({ code: 4401 });
    const newcomer = await browse(await current().stranger('Newcomer'), '/main');
    expect(await newcomer.closed()).toMatchObject({ code: 4403 });
  });

  it('lets a page of its own address in, whatever a client claims of that', async () => {
    const { alice, proxy } = current();
    const claimed = { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Host': 'evil.example' };
    const open = (origin: string) =>
      TestSocket.open(wsUrl(alice, '/main'), { headers: { origin, ...claimed } }, [
        'chat.v1',
        `bearer.${alice.token}`,
      ]);
    const page = await open(proxy.url);
    page.send({ type: 'ping' });
    expect(await page.next()).toEqual({ type: 'pong' });
    await page.close();
    for (const origin of [proxy.url.replace('https', 'http'), 'http://evil.example', 'https://evil.example'])
      expect(await (await open(origin)).closed()).toMatchObject({ code: 4403 });
  });

  it.each([
    ['no token', '', 401],
    ['another chat', '/chat/999', 404],
  ])('passes on the status of a refusal: %s', async (_what, path, status) => {
    const { alice } = current();
    const user = path === '' ? new TestUser(alice.url, 'no.token.here', 1, 'Nobody') : alice;
    expect(await user.refusal(path || PATH)).toMatchObject({ status });
  });

  it('hides the engine’s banner in an upgrade, and passes on its id', async () => {
    const peer = await Peer.open(current().proxy.port, true);
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
    const asking = ['Connection: Upgrade', 'Upgrade: WebSocket', 'Sec-WebSocket-Version: 13', key];
    peer.write(ask(`GET /api/v1${PATH}`, ...asking));
    await peer.hears(1);
    const { head } = peer.answers[0] ?? { head: '' };
    peer.cut();
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(head).not.toMatch(/uwebsockets/i);
    expect(head).toMatch(/^x-request-id: [0-9a-f]+-\d+$/im);
  });

  it('keeps a socket on which nothing is said', async () => {
    expect(await afterSilence()).toBe('after a long time');
  });
}
