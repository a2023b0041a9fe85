import { afterEach, describe, expect, it } from 'vitest';
import { HISTORY_BYTES_MAX } from '../../../../src/api/frames.js';
import { ChatSocket } from '../../../../src/server/hub/sockets.js';
import type { ReadStore } from '../../../../src/store/read-store.js';
import { HeldStore } from '../../../support/held-store.js';
import { TestHub } from '../../../support/hub.js';
import { overStore } from '../../../support/over-store.js';
import { say } from '../../../support/store.js';
import { turns } from '../../../support/wait.js';

/** Users 1, 2 and 3; a group of all, in which user 2 has said `1` to `10`, and an empty one of 1 and 2. */
let own: TestHub;
let group: number;
let quiet: number;
/** The ids of the messages. */
let ids: number[];

async function open(over?: (read: ReadStore) => ReadStore): Promise<void> {
  own = await TestHub.open({
    ...(over && { over }),
    prepare: async (store) => {
      group = await store.group(3);
      quiet = (await store.ok('create_group', { actor: 1, name: 'q', description: '', users: [2] })).id;
      await store.run(...numbers(1, 10).map((text) => say(group, 2, text)));
      ids = (await store.messages(group)).map(({ id }) => id);
    },
  });
}
afterEach(() => own.close());

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => String(from + n));
const idOf = (text: number) => ids[text - 1] ?? 0;
/** The history frames, each with its texts. */
const histories = ({ wire }: ReturnType<TestHub['chat']>) =>
  wire.frames
    .filter(({ type }) => type === 'history')
    .map(({ messages, more }) => ({
      texts: messages.map(({ text }: { text: string }) => text),
      more: more === true,
    }));

describe("a chat's socket that opens", () => {
  it.each([
    { start: { limit: 3, offset: 0 }, shown: numbers(8, 10) },
    { start: { limit: 100, offset: 0 }, shown: numbers(1, 10) },
    { start: { limit: 3, offset: 4 }, shown: numbers(4, 6) },
    { start: { limit: 3, offset: 9 }, shown: ['1'] },
    { start: { limit: 3, offset: 100 }, shown: [] },
    { start: { limit: 0, offset: 0 }, shown: [] },
  ])('is shown the newest messages, and is live at once: $start', async ({ start, shown }) => {
    await open();
    const opened = own.chat(1, group, start);
    expect(opened.socket.state).toBe('live');
    expect(histories(opened)).toEqual([{ texts: shown, more: false }]);
    await own.run(say(group, 3, 'next'));
    expect(opened.texts()).toEqual([...shown, 'next']);
  });

  it('is shown everything after an id, and nothing up to it', async () => {
    await open();
    for (const after of [0, 3, 9, 10]) {
      const opened = own.chat(1, group, { after: after === 0 ? 0 : idOf(after) });
      expect(histories(opened)).toEqual([{ texts: numbers(after + 1, 10), more: false }]);
      expect(opened.socket.state).toBe('live');
    }
  });

  it('is refused in a chat that it is not in, or after an id that nobody was given', async () => {
    await open();
    const stranger = own.chat(3, quiet);
    expect(stranger.wire.ended).toEqual({ code: 4404, reason: 'chat_not_found' });
    const ahead = own.chat(1, group, { after: (await own.store.newest()) + 1 });
    expect(ahead.wire.ended?.reason).toBe('history_changed');
    expect([...stranger.wire.frames, ...ahead.wire.frames]).toEqual([]);
    expect(own.hub.everyone()).toEqual([]);
    expect(own.failures).toEqual([]);
  });

  it('in an empty chat is told so', async () => {
    await open();
    expect(own.chat(1, quiet).wire.frames).toEqual([{ type: 'history', messages: [], error: 'no messages' }]);
  });

  it('sees each message once, whether the log has brought it before, meanwhile or after', async () => {
    await open();
    await own.store.run(say(group, 1, 'meanwhile')); // It is in the store, and has not passed.
    const opened = own.chat(2, group, { after: idOf(8) });
    await turns();
    expect(opened.socket.state).toBe('live');
    await own.run(say(group, 1, 'after'));
    expect(opened.texts()).toEqual(['9', '10', 'meanwhile', 'after']);
  });

  it('is sent what another was sent without reading it again', async () => {
    const read: string[] = [];
    await open((store) =>
      overStore(store, {
        newestFor: (...question) => {
          read.push('newest');
          return store.newestFor(...question);
        },
        entriesFor: (...question) => {
          if (question[3].max > 0) read.push('after');
          return store.entriesFor(...question);
        },
      }),
    );
    const [first, second] = [
      own.chat(1, group, { limit: 5, offset: 0 }),
      own.chat(2, group, { limit: 3, offset: 0 }),
    ];
    expect(histories(first)).toEqual([{ texts: numbers(6, 10), more: false }]);
    expect(histories(second)).toEqual([{ texts: numbers(8, 10), more: false }]);
    const [third, fourth] = [own.chat(1, group, { after: idOf(4) }), own.chat(2, group, { after: idOf(7) })];
    expect(histories(third)).toEqual([{ texts: numbers(5, 10), more: false }]);
    expect(histories(fourth)).toEqual([{ texts: numbers(8, 10), more: false }]);
    expect(read).toEqual(['newest', 'after']);
    // Membership is asked about nonetheless.
    await own.run({ kind: 'remove_members', actor: 1, groupId: group, users: [3] });
    for (const start of [{ limit: 3, offset: 0 }, { after: idOf(7) }])
      expect(own.chat(3, group, start).wire.ended?.code).toBe(4404);
  });
});

describe('a socket that resumes a long way back', () => {
  const long = numbers(1, 1000).map((text) => text.padEnd(4000, 'x'));

  async function resume() {
    await open();
    for (let from = 0; from < long.length; from += 100)
      await own.run(...long.slice(from, from + 100).map((text) => say(group, 2, text)));
    return own.attach((wire) => {
      wire.stalled = true;
      return new ChatSocket(wire, 1, group, { after: idOf(10) });
    });
  }

  it('is sent page after page, each no larger than a history frame may be, as its client takes them', async () => {
    const resumed = await resume();
    for (let pages = 1; resumed.socket.state !== 'live'; pages++) {
      await turns();
      expect(resumed.wire.frames).toHaveLength(pages); // Nothing more comes while the client takes nothing.
      own.drain(resumed);
      await turns();
    }
    expect(resumed.texts()).toEqual(long);
    const sizes = resumed.wire.frames.map((frame) => Buffer.byteLength(JSON.stringify(frame)));
    expect(sizes.length).toBeGreaterThan(3);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(HISTORY_BYTES_MAX);
    const more = resumed.wire.frames.map((frame) => frame['more']);
    expect(more).toEqual([...Array(sizes.length - 1).fill(true), undefined]);
  });
});

describe('a main socket that opens', () => {
  it('is shown nothing of what was before, and is live at once', async () => {
    await open();
    const opened = own.main(1);
    expect(opened.socket.state).toBe('live');
    await own.run(say(quiet, 2, 'a'), say(group, 2, 'b'));
    expect(opened.texts()).toEqual(['a', 'b']);
  });

  it('is shown the newest message of each chat that has one after an id, in their order', async () => {
    await open();
    await own.run(say(quiet, 1, 'quiet'), say(group, 3, 'last'));
    for (const [after, shown] of [
      [0, ['quiet', 'last']],
      [idOf(10), ['quiet', 'last']],
      [idOf(10) + 1, ['last']],
      [idOf(10) + 2, []],
    ] as const) {
      const opened = own.main(1, after);
      await turns();
      expect(opened.socket.state).toBe('live');
      expect(opened.texts(), `after ${after}`).toEqual(shown);
    }
    expect(own.main(3, idOf(10)).texts()).toEqual(['last']); // User 3 is not in the other group.
  });

  it('is refused after an id that nobody was given', async () => {
    await open();
    expect(own.main(1, (await own.store.newest()) + 1).wire.ended?.reason).toBe('history_changed');
  });
});

describe('over a store that answers later', () => {
  let held: HeldStore;
  const openHeld = (...questions: ConstructorParameters<typeof HeldStore>[1]) =>
    open((read) => {
      held = new HeldStore(read, questions);
      return held.read;
    });
  const rename = { kind: 'update_user', actor: 2, name: 'Bob' } as const;
  const names = ({ messages }: ReturnType<TestHub['chat']>) =>
    new Set(messages().map(({ author }) => author.name));

  it.each([
    { question: 'newestFor', start: { limit: 5, offset: 0 } },
    { question: 'entriesFor', start: { after: 0 } },
  ] as const)('a page is encoded with the names of its position ($question)', async ({ question, start }) => {
    await openHeld('log', question);
    // The author is known by the old name.
    void own.hub.follower.read(
      () => own.hub.loadProfile(2),
      () => undefined,
    );
    await turns();
    await held.answer('log');
    const first = own.chat(1, group, start);
    await turns();
    await own.store.run(rename);
    await held.answer('log'); // It was asked for before the change, the page after it.
    await held.answer(question);
    await held.answer('log');
    await held.answer(question);
    expect(names(first)).toEqual(new Set(['Bob']));
    const second = own.chat(3, group, start);
    await turns();
    for (let answers = 0; answers < 3 && second.socket.state !== 'live'; answers++) {
      await held.answer('log');
      await held.answer(question);
    }
    expect(names(second)).toEqual(new Set(['Bob']));
    expect(second.texts()).toEqual(first.texts());
  });

  it('a page that was at hand and is dropped before the answer is acted on is read again', async () => {
    await openHeld('log', 'entriesFor');
    const first = own.chat(1, group, { after: 0 });
    await turns();
    await held.answer('log');
    await held.answer('log'); // Only after the first answer is it known that the store answers later.
    await held.answer('entriesFor');
    expect(first.texts()).toEqual(numbers(1, 10));
    const second = own.chat(1, group, { after: idOf(5) });
    await turns();
    await own.store.run(rename);
    await held.answer('log'); // It was asked for before the change; the answer is as of after it.
    for (let answers = 0; answers < 3; answers++) {
      await held.answer('entriesFor');
      await held.answer('log');
    }
    await held.answer('entriesFor');
    expect(histories(second)).toEqual([{ texts: numbers(6, 10), more: false }]);
    expect(names(second)).toEqual(new Set(['Bob']));
  });

  it('a socket has one question on its way, and one that closes meanwhile is sent nothing', async () => {
    await openHeld('newestFor');
    const opened = own.chat(1, group);
    await turns();
    own.catchUp.drained(opened.socket);
    own.catchUp.attach(opened.socket);
    await turns();
    expect(held.asked).toEqual(['newestFor']);
    opened.socket.end(1000, 'bye');
    await held.answer('newestFor');
    expect(opened.wire.frames).toEqual([]);
    expect(own.hub.everyone()).toEqual([]);
    expect(own.failures).toEqual([]);
  });

  it('a page that cannot be read ends its socket with 1011, and the others go on', async () => {
    await open((read) =>
      overStore(read, {
        newestFor: (...question) =>
          question[1] === 2 ? Promise.reject(new Error('disk I/O error')) : read.newestFor(...question),
      }),
    );
    const [broken, whole] = [
      own.chat(2, group),
      own.attach((wire) => new ChatSocket(wire, 1, group, { limit: 1, offset: 0 })),
    ];
    await turns();
    expect(broken.wire.ended).toEqual({ code: 1011, reason: 'internal' });
    expect(whole.texts()).toEqual(['10']);
    expect(own.failures).toEqual([new Error('disk I/O error')]);
  });
});
