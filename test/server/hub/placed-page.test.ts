import { describe, expect, it } from 'vitest';
import { HISTORY_BYTES_MAX } from '../../../src/api/frames.js';
import type { Message } from '../../../src/chat/messages.js';
import { Caches } from '../../../src/server/hub/caches.js';
import { encodePlaced } from '../../../src/server/hub/placed-page.js';
import { type PlacedMessages, reactionKey } from '../../../src/store/read-store.js';

const GROUP = 7;
const ALICE = 1;

const caches = new Caches();
caches.addUser(
  { id: ALICE, username: 'alice', name: 'Alice', description: '', photo: null, readReceipts: true },
  0,
);

function message(id: number, text: string, more: Partial<Message> = {}): Message {
  return { kind: 'message', id, chatId: GROUP, authorId: ALICE, text, time: 0, clientId: null, ...more };
}

/** A page of messages, so many of which are before its place. */
function page(
  messages: readonly Message[],
  older: number,
  more: Partial<PlacedMessages> = {},
): PlacedMessages {
  const chat = { id: GROUP } as PlacedMessages['chat'];
  const nothing = { users: new Map(), quotes: new Map(), own: new Set<string>() };
  return { chat, messages, older, moreBefore: false, moreAfter: false, ...nothing, ...more };
}

function encoded(of: PlacedMessages) {
  const { messages, moreBefore, moreAfter } = encodePlaced(of, caches);
  return { ids: messages.map((json) => JSON.parse(json).id), moreBefore, moreAfter };
}

/** So many messages, five of which fit into a frame. */
const long = (count: number) =>
  Array.from({ length: count }, (_, n) => message(n + 1, 'x'.repeat(HISTORY_BYTES_MAX / 5.5)));

describe('a page at a place', () => {
  it('has all that fits, in order', () => {
    const messages = [1, 2, 3, 4].map((id) => message(id, `text ${id}`));
    for (const older of [0, 1, 2, 4])
      expect(encoded(page(messages, older))).toEqual({
        ids: [1, 2, 3, 4],
        moreBefore: false,
        moreAfter: false,
      });
    expect(encoded(page([], 0))).toEqual({ ids: [], moreBefore: false, moreAfter: false });
    expect(encoded(page(messages, 2, { moreBefore: true, moreAfter: true }))).toMatchObject({
      moreBefore: true,
      moreAfter: true,
    });
  });

  it('has of what does not fit that which is nearest to the place, and says that there is more', () => {
    expect(encoded(page(long(20), 20))).toEqual({
      ids: [16, 17, 18, 19, 20],
      moreBefore: true,
      moreAfter: false,
    });
    expect(encoded(page(long(20), 0))).toEqual({ ids: [1, 2, 3, 4, 5], moreBefore: false, moreAfter: true });
    expect(encoded(page(long(20), 10))).toEqual({
      ids: [9, 10, 11, 12, 13],
      moreBefore: true,
      moreAfter: true,
    });
    expect(encoded(page(long(20), 1))).toEqual({ ids: [1, 2, 3, 4, 5], moreBefore: false, moreAfter: true });
    expect(encoded(page(long(20), 19))).toEqual({
      ids: [16, 17, 18, 19, 20],
      moreBefore: true,
      moreAfter: false,
    });
  });

  it('always has one message', () => {
    const huge = [1, 2, 3].map((id) => message(id, 'x'.repeat(HISTORY_BYTES_MAX)));
    expect(encoded(page(huge, 1))).toEqual({ ids: [2], moreBefore: true, moreAfter: true });
    expect(encoded(page(huge, 3))).toEqual({ ids: [3], moreBefore: true, moreAfter: false });
  });

  it("has names, quotes, the reader's own reactions and the places of deleted messages", () => {
    const reactions = [
      { emoji: '👍', count: 2 },
      { emoji: '🎉', count: 1 },
    ];
    const messages = [
      message(1, '', { extra: { deletedAt: 5, deletedBy: ALICE } }),
      message(2, 'two', { extra: { replyTo: 9, reactions } }),
    ];
    const quotes = new Map([[9, { authorId: 2, authorName: 'Bob', text: 'nine' }]]);
    const own = new Set([reactionKey(2, '🎉'), reactionKey(1, '👍')]);
    const found = encodePlaced(page(messages, 1, { quotes, own }), caches);
    const author = { id: ALICE, name: 'Alice' };
    expect(found.messages.map((json) => JSON.parse(json))).toEqual([
      expect.objectContaining({ id: 1, deleted: true, author }),
      expect.objectContaining({
        id: 2,
        author,
        quote: { text: 'nine', author: { id: 2, name: 'Bob' } },
        reactions: [
          { emoji: '👍', count: 2, me: false },
          { emoji: '🎉', count: 1, me: true },
        ],
      }),
    ]);
    expect(JSON.parse(found.messages[0] ?? '')).not.toHaveProperty('text');
  });
});
