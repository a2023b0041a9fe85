import { SignJWT } from 'jose';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Post } from '../../../src/chat/commands.js';
import type { LinkClient } from '../../../src/link/client.js';
import { drainSockets } from '../../../src/server/hub/drain.js';
import { connectLink, TestLedger, temporaryFolder } from '../../support/ledger.js';
import { SECRET } from '../../support/server.js';
import { say } from '../../support/store.js';
import { TestUser } from '../../support/user.js';
import { until } from '../../support/wait.js';
import { startWorker, type TestWorker } from '../../support/worker.js';

/** Several pages of the log. */
const BACKLOG = 1800;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ledger: TestLedger;
let link: LinkClient;
let worker: TestWorker;
/** Outcomes of messages, which the test hands over when it likes. */
const outcomes: (() => void)[] = [];

beforeEach(async () => {
  folder = await temporaryFolder();
  ledger = await TestLedger.start(folder.path);
  link = await connectLink(folder.path);
  const post: Post = (message, settle) =>
    link.post(message, (outcome) => outcomes.push(() => settle(outcome)));
  worker = await startWorker(folder.path, link, { submit: link.submit, post });
});
afterEach(async () => {
  worker.close();
  link.close();
  await ledger.stop();
  await folder.remove();
});

it('a repeat is answered before its socket ends, also while the worker is pages behind the log', async () => {
  const token = await new SignJWT({ sub: '1' })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.from(SECRET));
  const alice = new TestUser(worker.url, token, 1, 'Alice');
  await alice.createProfile();
  const group = { actor: 1, name: 'g', description: '', users: [] };
  const { id: chatId } = await link.submit('create_group', group);
  await link.submit('post_message', { chatId, authorId: 1, text: 'first', clientId: 'c' });
  const socket = await alice.connect(`/group/${chatId}`);
  await socket.nextOf('history');
  socket.says('again', 'c');
  await until(() => outcomes.length === 1);

  const commands = Array.from({ length: BACKLOG }, () => say(chatId, 1, 'more'));
  await ledger.store.apply([{ worker: 'other', number: 1, confirmed: 0, crashes: 0, commands }], Date.now());
  const ended = drainSockets(worker.hub, 0, performance.now() + 5000);
  for (const hand of outcomes.splice(0)) hand();
  await ended;
  await socket.closed();
  expect(socket.frames.at(-1)).toMatchObject({ text: 'first', duplicate: true });
});
