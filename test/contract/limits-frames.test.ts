import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { historyOf, live, numbered, textOf } from '../support/chat.js';
import { timed } from '../support/measure.js';
import { TestServer } from '../support/server.js';
import type { TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

const LIMITS = { MESSAGES_PER_SECOND_PER_USER_MAX: '4', TYPING_PER_SECOND_PER_USER_MAX: '2' };

let server: TestServer;
/** Others in each test. */
let ann: TestUser;
let bob: TestUser;
let path: string;

/** For the tests that follow, a server with these limits. */
function serve(workers: number): void {
  beforeAll(async () => {
    server = await TestServer.start({ workers, env: LIMITS });
  });
  beforeEach(async () => {
    [ann, bob] = [await server.user('Ann'), await server.user('Bob')];
    path = `/chat/${await ann.chatWith(bob)}`;
  });
  afterAll(() => server.stop());
}

describe('with two workers', () => {
  serve(2);

  describe('messages of a user', () => {
    it('over five times the limit at once are refused, and not stored', async () => {
      const [socket, listener] = [await live(ann, path), await live(bob, path)];
      const words = numbered('word', 40); // As many as may be on their way.
      const { seconds } = await timed(async () => {
        for (const text of words) socket.says(text, text);
        await until(() => socket.frames.length > words.length);
      });
      const errors = socket.frames.filter(({ type }) => type === 'error');
      const echoes = socket.frames.filter(({ type }) => type === 'message').map(textOf);
      expect(echoes.slice(0, 20)).toEqual(words.slice(0, 20));
      expect(echoes.length).toBeLessThanOrEqual(20 + Math.ceil(4 * seconds));
      expect(errors.length).toBeGreaterThan(0);
      const refused = words.filter((word) => !echoes.includes(word));
      expect(errors.map(({ client_id }) => client_id).sort()).toEqual(refused.sort());
      for (const { code, details } of errors) {
        expect(code).toBe('rate_limited');
        expect(details.limit).toBe('messages');
        expect(details.retry_after_ms).toBeGreaterThan(0);
        expect(details.retry_after_ms).toBeLessThanOrEqual(250);
      }
      await new Promise((resolve) => setTimeout(resolve, 300));
      socket.says('later');
      await until(() => listener.frames.some(({ text }) => text === 'later'));
      const history = await historyOf(bob, path);
      expect(history.map(textOf)).toEqual([...echoes, 'later']);
    });

    it('count in all chats and on all workers together', async () => {
      const cy = await server.user('Cy');
      const elsewhere = `/chat/${await ann.chatWith(cy)}`;
      const [one, other] = await ann.connectOnBoth(path);
      const third = await live(ann, elsewhere);
      const sockets = [one, other, third];
      const names = (index: number) => numbered(`socket ${index}, word`, 30);
      const isAnswered = ({ frames }: TestSocket, name: string) =>
        frames.some(({ client_id }) => client_id === name);
      const { seconds } = await timed(async () => {
        for (const [index, socket] of sockets.entries())
          for (const name of names(index)) socket.says(name, name);
        for (const [index, socket] of sockets.entries())
          await until(() => names(index).every((name) => isAnswered(socket, name)));
      });
      const stored = (await historyOf(bob, path)).length + (await historyOf(cy, elsewhere)).length;
      expect(stored).toBeGreaterThanOrEqual(20);
      expect(stored).toBeLessThanOrEqual(21 + Math.ceil(4 * seconds));
    });

    it('that go on and on end the socket with 4429', async () => {
      const [socket, listener] = [await live(ann, path), await live(bob, path)];
      const { seconds } = await timed(async () => {
        for (const text of numbered('word', 2000)) socket.says(text);
        expect(await socket.closed()).toEqual({ code: 4429, reason: 'too many frames' });
      });
      listener.says('and I?');
      await until(() => listener.frames.some(({ text }) => text === 'and I?'));
      const history = await historyOf(bob, path);
      expect(history.length).toBeLessThanOrEqual(22 + Math.ceil(4 * seconds));
      await live(ann, path);
    });
  });

  describe('typing of a user', () => {
    it('over the limit is dropped; what was passed on is taken back all the same', async () => {
      const [one, listener] = [await live(ann, path), await live(bob, path)];
      // What a worker hears of typing begins with its subscription, which goes before what its sockets say.
      listener.says('here');
      for (const socket of [one, listener]) await socket.hears('here');
      const heardOf = (wanted: string) => listener.frames.filter(({ type }) => type === wanted).length;
      const began = performance.now();
      for (let n = 0; n < 50; n++) one.send({ type: 'typing' });
      await until(() => heardOf('typing') >= 2); // A message that came first would take them back.
      for (let n = 0; n < 50; n++) one.send({ type: 'stop_typing' });
      await until(() => heardOf('stop_typing') === 1);
      one.says('done');
      await until(() => listener.frames.some(({ text }) => text === 'done'));
      // Two at once, and one more for each half second that it took.
      const heard = listener.frames.slice(2).map(({ type }) => type);
      const typings = heard.filter((type) => type === 'typing');
      const seconds = (performance.now() - began) / 1000;
      expect(typings.length).toBeGreaterThanOrEqual(2);
      expect(typings.length).toBeLessThanOrEqual(3 + Math.ceil(2 * seconds));
      expect(heard.filter((type) => type !== 'typing')).toEqual(['stop_typing', 'message']);
      expect(one.frames.slice(2).map(({ type }) => type)).toEqual(['message']);
    });
  });

  describe('pings', () => {
    it('are answered, and end the socket with 4429 when they are a flood', async () => {
      const [socket, other] = [await live(ann, path), await live(ann, path)];
      for (let n = 0; n < 100; n++) other.ping();
      await until(() => other.pongs === 100);
      for (let n = 0; n < 1000; n++) socket.ping();
      expect(await socket.closed()).toEqual({ code: 4429, reason: 'too many frames' });
      other.says('still here');
      await other.hears('still here');
    });
  });
});

describe('with one worker', () => {
  serve(1);

  describe('frames of a user', () => {
    it('who was ended for them are too many on a new socket as well', async () => {
      const socket = await live(ann, path);
      for (let n = 0; n < 3000; n++) socket.send({ type: 'typing' });
      expect(await socket.closed()).toEqual({ code: 4429, reason: 'too many frames' });
      const [again, other] = [await live(ann, path), await live(bob, path)];
      // Fewer than might come at once, and more than a second brings back.
      for (let n = 0; n < 800; n++) again.send({ type: 'typing' });
      expect(await again.closed()).toEqual({ code: 4429, reason: 'too many frames' });
      other.says('and I?');
      await until(() => other.frames.some(({ text }) => text === 'and I?'));
    });
  });
});
