import { afterEach, expect, it } from 'vitest';
import { ChatSocket } from '../../../src/server/hub/sockets.js';
import { TestHub } from '../../support/hub.js';
import { overStore } from '../../support/over-store.js';
import { say } from '../../support/store.js';
import { turns } from '../../support/wait.js';

let test: TestHub;
afterEach(() => test.close());

it('each reader’s own reactions are those to the page that is sent, also when another took its place meanwhile', async () => {
  let group = 0;
  let messageId = 0;
  let isHeld = false;
  let answer = () => undefined as unknown;
  test = await TestHub.open({
    async prepare(store) {
      group = await store.group(2);
      await store.run(say(group, 1, 'hello'));
      messageId = await store.newest();
      await store.ok('react', { actor: 2, messageId, emoji: '👍', isOn: true });
    },
    // What a cached page needs of the store comes when the test says so, and is as of then.
    over: (read) =>
      overStore(read, {
        entriesFor: (...question) => {
          if (!isHeld || question[3].max > 0) return read.entriesFor(...question);
          return new Promise((resolve) => {
            answer = () => resolve(read.entriesFor(...question));
          });
        },
      }),
  });
  const resume = (user: number) =>
    test.attach((wire) => new ChatSocket(wire, user, group, { after: 0 }, 'full'));
  const reactionsOf = ({ wire }: ReturnType<typeof resume>) => wire.frames[0]?.messages[0].reactions;

  expect(reactionsOf(resume(1))).toEqual([{ emoji: '👍', count: 1, me: false }]); // The page is cached now.
  isHeld = true;
  const waits = resume(1);
  await test.run({ kind: 'react', actor: 1, messageId, emoji: '🎉', isOn: true });
  isHeld = false;
  expect(reactionsOf(resume(2))).toEqual([
    { emoji: '👍', count: 1, me: true },
    { emoji: '🎉', count: 1, me: false },
  ]);
  expect(waits.wire.frames).toEqual([]);
  answer();
  await turns(20);
  expect(reactionsOf(waits)).toEqual([
    { emoji: '👍', count: 1, me: false },
    { emoji: '🎉', count: 1, me: true },
  ]);
  expect(test.failures).toEqual([]);
});
