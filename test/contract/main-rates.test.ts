import { afterAll, beforeAll, expect, it } from 'vitest';
import { next, openMain } from '../support/main.js';
import { TestServer } from '../support/server.js';
import type { Frame } from '../support/socket.js';

let server: TestServer;
beforeAll(async () => {
  const env = { REQUESTS_PER_SECOND_PER_USER_MAX: '20', MESSAGES_PER_SECOND_PER_USER_MAX: '2' };
  server = await TestServer.start({ workers: 1, env });
});
afterAll(() => server.stop());

/** What a main socket answers to so many of the same frame. */
async function answersTo(count: number, frame: (chatId: number, n: number) => object): Promise<Frame[]> {
  const alice = await server.user('Alice');
  const chatId = await alice.groupWith();
  const { socket } = await openMain(alice);
  for (let n = 0; n < count; n++) socket.send(frame(chatId, n));
  const answers: Frame[] = [];
  while (answers.length < count) {
    const answer = await socket.next();
    if (answer.type !== 'cursor') answers.push(answer);
  }
  socket.send({ type: 'ping' });
  await next(socket, 'pong'); // It stays open.
  return answers;
}

it('questions for history count as requests', async () => {
  const answers = await answersTo(30, (chat_id) => ({ type: 'history', chat_id, limit: 1, client_id: 'h' }));
  const refused = answers.filter(({ type }) => type === 'error');
  expect(answers.some(({ type }) => type === 'history')).toBe(true);
  expect(refused.length).toBeGreaterThan(0);
  for (const error of refused)
    expect(error).toMatchObject({ code: 'rate_limited', details: { limit: 'requests' }, client_id: 'h' });
});

it('messages count as on the sockets of chats', async () => {
  const answers = await answersTo(14, (chat_id, n) => ({ type: 'message', chat_id, text: `${n}` }));
  const refused = answers.filter(({ type }) => type === 'error');
  expect(answers.filter(({ type }) => type === 'message').length).toBeGreaterThanOrEqual(10); // At once.
  expect(refused.length).toBeGreaterThan(0);
  for (const error of refused)
    expect(error).toMatchObject({ code: 'rate_limited', details: { limit: 'messages' } });
});
