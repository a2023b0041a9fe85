import { beforeEach, describe, expect, it } from 'vitest';
import { HISTORY_BYTES_MAX } from '../../../src/api/frames.js';
import type { Entry } from '../../../src/chat/entries.js';
import { EncodedPages, FrameCollector } from '../../../src/server/hub/pages.js';

const CHAT = 7;
const AUTHOR = 1;
const base = { id: 100, time: 0 };
const ofChat = { ...base, chatId: CHAT, authorId: AUTHOR };

const framesOf = (ids: readonly number[]) => ids.map((id) => `{"id":${id}}`);
const bytesOf = (frames: readonly string[]) => frames.reduce((sum, { length }) => sum + length + 1, 0);

let pages: EncodedPages;
beforeEach(() => {
  pages = new EncodedPages();
});

/** Keeps the messages with these ids as all that came after `from`. */
function keep(from: number, ids: readonly number[], chatId = CHAT, author = AUTHOR): void {
  const frames = framesOf(ids);
  const last = ids.at(-1) ?? from;
  pages.keep({ chatId, from, last, ids, frames, authors: new Set([author]), bytes: bytesOf(frames) });
}

function keepRecent(ids: readonly number[], count: number): void {
  const frames = framesOf(ids);
  pages.keepRecent(CHAT, { frames, bytes: bytesOf(frames), more: false }, new Set([AUTHOR]), count);
}

/** The entries that make what is kept wrong, and those that do not. */
const entries: readonly (readonly [entry: Entry, drops: boolean])[] = [
  [{ ...ofChat, kind: 'message', text: '', clientId: null }, false],
  [{ ...base, kind: 'user_created', userId: AUTHOR }, false],
  [{ ...base, kind: 'user_changed', userId: AUTHOR }, true],
  [{ ...base, kind: 'user_changed', userId: 2 }, false],
  [{ ...ofChat, kind: 'chat_opened', users: [] }, false],
  [{ ...ofChat, kind: 'group_created', users: [] }, false],
  [{ ...ofChat, kind: 'group_changed' }, false],
  [{ ...ofChat, kind: 'members_added', users: [] }, false],
  [{ ...ofChat, kind: 'members_removed', users: [] }, false],
  [{ ...ofChat, kind: 'group_deleted' }, true],
  [{ ...ofChat, chatId: 8, kind: 'group_deleted' }, false],
  [{ ...base, kind: 'tokens_revoked', claim: '1', before: 5 }, false],
  [{ ...base, kind: 'unknown' }, true],
];

describe('a page that is kept', () => {
  it('is what follows after any id within it', () => {
    keep(10, [12, 15, 20]);
    expect(pages.after(CHAT, 10)).toMatchObject({ frames: framesOf([12, 15, 20]), last: 20 });
    expect(pages.after(CHAT, 11)?.frames).toEqual(framesOf([12, 15, 20]));
    expect(pages.after(CHAT, 12)?.frames).toEqual(framesOf([15, 20]));
    expect(pages.after(CHAT, 19)?.frames).toEqual(framesOf([20]));
  });

  it('says nothing of what is before or after it, nor of another chat', () => {
    keep(10, [12, 15]);
    expect([pages.after(CHAT, 9), pages.after(CHAT, 15), pages.after(8, 10)]).toEqual(
      Array(3).fill(undefined),
    );
  });

  it('gives way to newer ones of its chat: sixteen are kept', () => {
    for (let from = 0; from < 20; from++) keep(from * 10, [from * 10 + 5]);
    const kept = Array.from({ length: 20 }, (_, from) => pages.after(CHAT, from * 10)).map(Boolean);
    expect(kept).toEqual([...Array(4).fill(false), ...Array(16).fill(true)]);
  });

  it.each(entries)('is dropped by what makes it wrong: $kind', (entry, drops) => {
    keep(10, [12]);
    pages.passed(entry);
    expect(pages.after(CHAT, 10) === undefined).toBe(drops);
  });
});

describe("a chat's newest messages", () => {
  it('are given when there are so many, or when they are all', () => {
    keepRecent([1, 2, 3], 3);
    expect(pages.recent(CHAT, 2)?.frames).toEqual(framesOf([2, 3]));
    expect(pages.recent(CHAT, 4)).toBeUndefined();
    keepRecent([1, 2, 3], 10);
    expect(pages.recent(CHAT, 100)?.frames).toEqual(framesOf([1, 2, 3]));
  });

  it('go on with what passes, up to a hundred', () => {
    keepRecent(
      Array.from({ length: 98 }, (_, n) => n),
      100,
    );
    for (const id of [98, 99, 100]) pages.messagePassed(CHAT, AUTHOR, framesOf([id])[0]);
    expect(pages.recent(CHAT, 100)?.frames).toEqual(framesOf(Array.from({ length: 100 }, (_, n) => n + 1)));
    expect(pages.recent(CHAT, 101)).toBeUndefined();
  });

  it('are dropped by a message that was not encoded, and by so many that they have doubled', () => {
    keepRecent([1, 2], 5);
    pages.messagePassed(CHAT, AUTHOR, undefined);
    expect(pages.recent(CHAT, 1)).toBeUndefined();
    keepRecent([1, 2], 5);
    pages.messagePassed(CHAT, AUTHOR, 'x'.repeat(100));
    expect(pages.recent(CHAT, 1)).toBeUndefined();
  });

  it('are not kept of an empty chat, of more than a hundred, or where a page was cut', () => {
    keepRecent([], 5);
    keepRecent([1], 101);
    pages.keepRecent(CHAT, { frames: framesOf([1]), bytes: 9, more: true }, new Set(), 5);
    expect(pages.recent(CHAT, 1)).toBeUndefined();
  });

  it.each(entries)('are dropped by what makes them wrong: $kind', (entry, drops) => {
    keepRecent([1, 2], 5);
    pages.passed(entry);
    expect(pages.recent(CHAT, 1) === undefined).toBe(drops);
  });

  it('are dropped when somebody changes who spoke after they were read', () => {
    keepRecent([1, 2, 3], 5);
    pages.messagePassed(CHAT, 2, framesOf([4])[0]);
    pages.passed({ ...base, kind: 'user_changed', userId: 2 });
    expect(pages.recent(CHAT, 1)).toBeUndefined();
  });
});

describe('frames that are collected', () => {
  it('are as many as fit into one history frame, and one at least', () => {
    const all = new FrameCollector();
    expect(all.add('x'.repeat(HISTORY_BYTES_MAX + 1))).toBe(true);
    expect(all.add('')).toBe(false);
    const some = new FrameCollector();
    const frame = 'é'.repeat(499); // 998 bytes, and a comma.
    while (some.add(frame));
    expect(some.bytes).toBeLessThanOrEqual(HISTORY_BYTES_MAX);
    expect(some.bytes + 999).toBeGreaterThan(HISTORY_BYTES_MAX);
    expect(some.frames).toHaveLength(Math.floor((HISTORY_BYTES_MAX - 64) / 999));
  });
});
