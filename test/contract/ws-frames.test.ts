import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ENGINE_FRAME_BYTES_MAX, FRAME_BYTES_MAX } from '../../src/api/frames.js';
import { historyOf, live, textOf, wsUrl } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
let path: string;
beforeAll(async () => {
  server = await TestServer.shared();
  [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
  path = `/chat/${await alice.chatWith(bob)}`;
});
afterAll(() => server.stop());

const MESSAGE = JSON.stringify({ type: 'message', text: 'hello' });

describe('a frame that cannot be used', () => {
  it.each([
    { what: 'malformed JSON', frame: '{"type":"message"', code: 'invalid_frame' },
    { what: 'an empty frame', frame: '', code: 'invalid_frame' },
    { what: 'plain text', frame: 'hello', code: 'invalid_frame' },
    { what: 'an array', frame: `[${MESSAGE}]`, code: 'invalid_frame' },
    { what: 'null', frame: 'null', code: 'invalid_frame' },
    { what: 'a string', frame: '"message"', code: 'invalid_frame' },
    { what: 'a number', frame: '7', code: 'invalid_frame' },
    { what: 'a binary frame', frame: Buffer.from(MESSAGE), code: 'invalid_frame' },
    { what: 'an unknown type', frame: '{"type":"shout","text":"hello"}', code: 'unknown_type' },
    { what: 'no type', frame: '{"text":"hello"}', code: 'unknown_type' },
    { what: 'a type that is no string', frame: '{"type":["message"],"text":"hello"}', code: 'unknown_type' },
    { what: 'a type in capitals', frame: '{"type":"Message","text":"hello"}', code: 'unknown_type' },
    { what: 'the type of a prototype', frame: '{"type":"__proto__","text":"x"}', code: 'unknown_type' },
    { what: 'a frame that only the server sends', frame: '{"type":"history"}', code: 'unknown_type' },
    { what: 'a message without text', frame: '{"type":"message"}', code: 'invalid_field' },
  ])('($what) is answered with $code, and the socket stays', async ({ frame, code }) => {
    const [hers, his] = [await live(alice, path), await live(bob, path)];
    hers.send(frame);
    const answer = await hers.next();
    expect(answer).toMatchObject({ type: 'error', code, error: expect.stringMatching(/\w/) });
    expect(answer).not.toHaveProperty('client_id');
    hers.says('marker');
    for (const socket of [hers, his]) await socket.hears('marker');
  });

  it('is told by its client_id when it has one', async () => {
    const socket = await live(alice, path);
    socket.send({ type: 'shout', client_id: 'mine-1' });
    socket.send({ type: 'message', text: '', client_id: 'mine-2' });
    expect(await socket.next()).toMatchObject({ type: 'error', code: 'unknown_type', client_id: 'mine-1' });
    expect(await socket.next()).toMatchObject({ type: 'error', code: 'invalid_field', client_id: 'mine-2' });
  });

  it('does not stop the good ones around it', async () => {
    const socket = await live(alice, path);
    socket.says('one');
    socket.send('nonsense');
    socket.says('two');
    const frames = [await socket.next(), await socket.next(), await socket.next()];
    expect(frames.filter(({ type }) => type === 'message').map(textOf)).toEqual(['one', 'two']);
    expect(frames.filter(({ type }) => type === 'error')).toHaveLength(1);
  });
});

describe('ten bad frames in a minute', () => {
  const badFrame = (socket: TestSocket, n: number) =>
    socket.send(n % 2 === 0 ? 'nonsense' : { type: 'shout' });

  it('close the socket with 1008, each of them answered', async () => {
    const [hers, his] = [await live(alice, path), await live(bob, path)];
    for (let n = 0; n < 10; n++) badFrame(hers, n);
    expect(await hers.closed()).toMatchObject({ code: 1008 });
    expect(hers.frames.slice(1).map(({ type }) => type)).toEqual(Array(10).fill('error'));
    his.says('marker');
    await his.hears('marker');
  });

  it('count in a socket of main too', async () => {
    const main = await alice.connect('/main');
    for (let n = 0; n < 10; n++) badFrame(main, n);
    expect(await main.closed()).toMatchObject({ code: 1008 });
  });

  it('count however many good ones are between them', async () => {
    const [socket, his] = [await live(alice, path), await live(bob, path)];
    for (let n = 0; n < 10; n++) {
      badFrame(socket, n);
      socket.says(`good ${n}`);
    }
    expect(await socket.closed()).toMatchObject({ code: 1008 });
    for (let n = 0; n < 9; n++) await his.hears(`good ${n}`);
  });

  it('are not nine: the socket stays', async () => {
    const socket = await live(alice, path);
    for (let n = 0; n < 9; n++) badFrame(socket, n);
    for (let n = 0; n < 9; n++) await socket.nextOf('error');
    socket.says('still here');
    await socket.hears('still here');
  });

  it('are counted for each socket by itself', async () => {
    const sockets = [await live(alice, path), await live(alice, path)];
    for (let n = 0; n < 9; n++) for (const socket of sockets) badFrame(socket, n);
    for (const socket of sockets) for (let n = 0; n < 9; n++) await socket.nextOf('error');
    expect(sockets.every(({ isOpen }) => isOpen)).toBe(true);
    sockets[0]?.says('still here');
    for (const socket of sockets) await socket.hears('still here');
  });
});

describe('the size of a frame', () => {
  /** A good message in a frame of exactly this many bytes. */
  function messageOf(bytes: number): string {
    const frame = (padding: string) => JSON.stringify({ type: 'message', text: `${bytes} bytes`, padding });
    return frame('x'.repeat(bytes - frame('').length));
  }

  it('may be 60 KiB', async () => {
    const socket = await live(alice, path);
    socket.send(messageOf(FRAME_BYTES_MAX));
    await socket.hears(`${FRAME_BYTES_MAX} bytes`);
  });

  it('is enough for 4096 emoji, each escaped', async () => {
    const socket = await live(alice, path);
    const frame = `{"type":"message","text":"${'\\ud83d\\ude00'.repeat(4096)}"}`;
    expect(frame.length).toBeGreaterThan(48 * 1024);
    socket.send(frame);
    await socket.hears('😀'.repeat(4096));
  });

  it.each([FRAME_BYTES_MAX + 1, ENGINE_FRAME_BYTES_MAX])('of %i closes with 1009', async (bytes) => {
    const socket = await live(alice, path);
    socket.send(messageOf(bytes));
    expect(await socket.closed()).toMatchObject({ code: 1009 });
  });

  it('of over 64 KiB cuts the connection', async () => {
    for (const bytes of [ENGINE_FRAME_BYTES_MAX + 1, 4 * ENGINE_FRAME_BYTES_MAX]) {
      const socket = await live(alice, path);
      socket.send(messageOf(bytes));
      expect(await socket.closed()).toMatchObject({ code: 1006 });
    }
  });

  it('is that of the whole message when it comes in fragments', async () => {
    const open = async () => {
      const ws = new WebSocket(wsUrl(alice, path), { headers: { authorization: `Bearer ${alice.token}` } });
      await new Promise((resolve) => ws.once('message', resolve)); // The history: the socket is live.
      return ws;
    };
    const frame = messageOf(FRAME_BYTES_MAX + 1);
    const tooBig = await open();
    const closed = new Promise((resolve) => tooBig.once('close', resolve));
    tooBig.send(frame.slice(0, 30_000), { fin: false });
    tooBig.send(frame.slice(30_000), { fin: true });
    expect(await closed).toBe(1009);

    const good = await open();
    const heard = new Promise((resolve) =>
      good.once('message', (data) => resolve(JSON.parse(String(data)).text)),
    );
    for (const letter of MESSAGE.slice(0, -1)) good.send(letter, { fin: false });
    good.send('}', { fin: true });
    expect(await heard).toBe('hello');
    good.close();
  });

  it('too big is never stored', async () => {
    const texts = (await historyOf(bob, path)).map(textOf);
    expect(texts).toContain(`${FRAME_BYTES_MAX} bytes`);
    expect(texts.filter((text) => text.endsWith(' bytes'))).toHaveLength(1);
  });
});
