import { beforeEach, describe, expect, it } from 'vitest';
import { HISTORY_BYTES_MAX } from '../../../src/api/frames.js';
import type { Entry } from '../../../src/chat/entries.js';
import type { Message } from '../../../src/chat/messages.js';
import {
  type EncodedEntry,
  EncodedPages,
  encodeEntry,
  FrameCollector,
} from '../../../src/server/hub/pages.js';
import { NO_QUOTES } from '../../../src/store/loading.js';

const GROUP = 11;
const OTHER = 12;
const ALICE = 1;
const BOB = 2;

/** A frame as long as that of a message. */
const frame = (n: number) => `{"n":${String(n).padStart(90, '0')}}`;
const frames = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => frame(from + n));
const framesOf = (page: { readonly entries: readonly EncodedEntry[] } | undefined) =>
  page?.entries.map((entry) => entry.frame);
const bytesOf = (all: readonly EncodedEntry[]) => all.reduce((sum, { bytes }) => sum + bytes, 0);
/** The messages with these ids, each in a frame. */
const entries = (from: number, to: number): EncodedEntry[] =>
  frames(from, to).map((text, n) => ({
    ...{ id: from + n, messageId: from + n, frame: text, bytes: Buffer.byteLength(text) + 1 },
    ...{ reactions: undefined, replyTo: undefined },
  }));
const message = (id: number, authorId: number): Message => ({
  ...{ kind: 'message', id, chatId: GROUP, authorId, text: 'text', time: 0, clientId: null },
});

let pages: EncodedPages;
beforeEach(() => {
  pages = new EncodedPages('plain');
});

/** The newest messages `from` to `to`, which `count` were asked for. */
function keepRecent(from: number, to: number, count: number, { chatId = GROUP, author = ALICE } = {}): void {
  const all = entries(from, to);
  pages.keepRecent(chatId, { entries: all, bytes: bytesOf(all), more: false }, new Set([author]), count);
}

/** A page after `from`, with a frame for each id up to `to`. */
function keep(from: number, to: number, { chatId = GROUP, author = ALICE } = {}): void {
  const all = entries(from + 1, to);
  pages.keep({ chatId, from, last: to, entries: all, authors: new Set([author]), bytes: bytesOf(all) });
}

describe('the newest messages of a chat', () => {
  it('are there for whoever asks for as many or fewer', () => {
    expect(pages.recent(GROUP, 3)).toBeUndefined();
    keepRecent(1, 5, 5);
    expect(framesOf(pages.recent(GROUP, 5))).toEqual(frames(1, 5));
    expect(pages.recent(GROUP, 2)).toMatchObject({ entries: entries(4, 5), more: false });
    expect(framesOf(pages.recent(GROUP, 0))).toEqual([]);
    expect(pages.recent(GROUP, 6)).toBeUndefined();
    expect(pages.recent(OTHER, 2)).toBeUndefined();
  });

  it('are there for whoever asks for more, when the chat has no more', () => {
    keepRecent(1, 5, 6);
    expect(framesOf(pages.recent(GROUP, 100))).toEqual(frames(1, 5));
  });

  it('are not kept when there are none, when they were cut, and when very many were asked for', () => {
    pages.keepRecent(GROUP, { entries: [], bytes: 0, more: false }, new Set(), 10);
    pages.keepRecent(GROUP, { entries: entries(1, 5), bytes: 500, more: true }, new Set([ALICE]), 10);
    expect(pages.recent(GROUP, 1)).toBeUndefined();
    keepRecent(1, 101, 101);
    expect(pages.recent(GROUP, 1)).toBeUndefined();
    keepRecent(1, 100, 100);
    expect(framesOf(pages.recent(GROUP, 100))).toHaveLength(100);
  });

  it('grow with what passes, and stay the newest hundred', () => {
    keepRecent(1, 80, 90);
    for (let n = 81; n <= 120; n++) pages.messagePassed(message(n, ALICE), frame(n), NO_QUOTES);
    expect(framesOf(pages.recent(GROUP, 100))).toEqual(frames(21, 120));
    expect(pages.recent(GROUP, 101)).toBeUndefined();
  });

  it('are dropped when a message passes that nobody encoded, and when they have doubled', () => {
    keepRecent(1, 5, 5);
    pages.messagePassed(message(6, ALICE), undefined, NO_QUOTES);
    expect(pages.recent(GROUP, 1)).toBeUndefined();
    keepRecent(1, 5, 5);
    for (let n = 6; n <= 10; n++) pages.messagePassed(message(n, ALICE), frame(n), NO_QUOTES);
    expect(framesOf(pages.recent(GROUP, 10))).toEqual(frames(1, 10));
    pages.messagePassed(message(11, ALICE), frame(11), NO_QUOTES);
    expect(pages.recent(GROUP, 1)).toBeUndefined();
  });

  it('do not change for those who have got them', () => {
    keepRecent(1, 5, 5);
    const got = pages.recent(GROUP, 5);
    pages.messagePassed(message(6, ALICE), frame(6), NO_QUOTES);
    expect(framesOf(got)).toEqual(frames(1, 5));
  });
});

describe('a page after an id', () => {
  it('is there from every id in it', () => {
    keep(10, 20);
    expect(pages.after(GROUP, 10)).toMatchObject({ entries: entries(11, 20), last: 20 });
    expect(pages.after(GROUP, 15)).toMatchObject({ entries: entries(16, 20), last: 20 });
    expect(pages.after(GROUP, 9)).toBeUndefined();
    expect(pages.after(GROUP, 20)).toBeUndefined();
    expect(pages.after(OTHER, 10)).toBeUndefined();
  });

  it('that ends with what is not shown has no frame after the last one', () => {
    pages.keep({
      ...{ chatId: GROUP, from: 10, last: 20, entries: entries(11, 11), authors: new Set([ALICE]) },
      bytes: 100,
    });
    expect(pages.after(GROUP, 15)).toMatchObject({ entries: [], last: 20 });
  });

  it('is the one that was kept last, of those that hold an id, and the oldest of very many is dropped', () => {
    keep(10, 20);
    keep(10, 30);
    expect(pages.after(GROUP, 12)?.last).toBe(30);
    for (let n = 0; n < 15; n++) keep(100 + n, 200);
    expect(pages.after(GROUP, 12)?.last).toBe(30); // The seventeenth page took the place of the first.
    keep(300, 301);
    expect(pages.after(GROUP, 12)).toBeUndefined();
  });
});

describe('an entry that passes', () => {
  const base = { id: 101, time: 0 };
  const inGroup = { ...base, chatId: GROUP, authorId: ALICE };
  const text: Omit<Message, 'kind'> = { ...inGroup, text: 'text', clientId: null };
  const kept = () => ({
    group: pages.recent(GROUP, 1) !== undefined && pages.after(GROUP, 10) !== undefined,
    other: pages.recent(OTHER, 1) !== undefined && pages.after(OTHER, 10) !== undefined,
  });
  const effects: { readonly entry: Entry; readonly left: Partial<ReturnType<typeof kept>> }[] = [
    { entry: { ...text, kind: 'message' }, left: {} },
    { entry: { ...base, kind: 'user_created', userId: ALICE }, left: {} },
    { entry: { ...base, kind: 'user_changed', userId: ALICE }, left: { group: false } },
    { entry: { ...base, kind: 'user_changed', userId: 3 }, left: {} },
    { entry: { ...base, kind: 'chat_opened', chatId: 13, authorId: ALICE, users: [ALICE, BOB] }, left: {} },
    { entry: { ...base, kind: 'group_created', chatId: 13, authorId: ALICE, users: [ALICE] }, left: {} },
    { entry: { ...inGroup, kind: 'members_added', users: [3] }, left: {} },
    { entry: { ...inGroup, kind: 'members_removed', users: [BOB] }, left: {} },
    { entry: { ...inGroup, kind: 'group_changed' }, left: {} },
    { entry: { ...inGroup, kind: 'group_deleted' }, left: { group: false } },
    { entry: { ...base, kind: 'tokens_revoked', claim: '1', before: 1 }, left: {} },
    { entry: { ...base, kind: 'unknown' }, left: { group: false, other: false } },
  ];

  it.each(effects)('of the kind $entry.kind drops only what it makes wrong ($left)', ({ entry, left }) => {
    for (const [chatId, author] of [
      [GROUP, ALICE],
      [OTHER, BOB],
    ] as const) {
      keepRecent(1, 5, 5, { chatId, author });
      keep(10, 20, { chatId, author });
    }
    expect(kept()).toEqual({ group: true, other: true });
    pages.passed(entry);
    expect(kept()).toEqual({ group: true, other: true, ...left });
  });

  it('about a renamed author drops the pages with their messages, and no others of the chat', () => {
    keepRecent(1, 5, 5, { author: ALICE });
    pages.messagePassed(message(6, BOB), frame(6), NO_QUOTES);
    keep(10, 20, { author: ALICE });
    keep(20, 30, { author: BOB });
    pages.passed({ ...base, kind: 'user_changed', userId: BOB });
    expect(pages.recent(GROUP, 1)).toBeUndefined(); // The message that passed was Bob's.
    expect(pages.after(GROUP, 10)?.last).toBe(20);
    expect(pages.after(GROUP, 20)).toBeUndefined();
  });
});

describe('frames', () => {
  const context = { nameJson: (userId: number) => `"User ${userId}"`, quotes: NO_QUOTES };

  it('are collected as long as they fit into one history frame', () => {
    const collector = new FrameCollector();
    const bytes = HISTORY_BYTES_MAX / 4;
    const taken = Array.from({ length: 5 }, () => collector.add({ bytes }));
    expect(taken).toEqual([true, true, true, false, false]);
    expect(collector.entries).toHaveLength(3);
    expect(collector.bytes).toBeGreaterThan(3 * bytes);
    expect(collector.bytes).toBeLessThanOrEqual(HISTORY_BYTES_MAX);
  });

  it('are taken one at least, and counted in UTF-8', () => {
    const collector = new FrameCollector();
    const encoded = (text: string) => encodeEntry({ ...message(7, BOB), text }, 'plain', context);
    expect(collector.add(encoded('é'.repeat(HISTORY_BYTES_MAX)))).toBe(true);
    expect(collector.bytes).toBeGreaterThan(2 * HISTORY_BYTES_MAX);
    expect(collector.add(encoded('x'))).toBe(false);
  });

  it("of a message carry its author's name", () => {
    const { id, messageId, frame: made } = encodeEntry(message(7, BOB), 'plain', context);
    expect([id, messageId]).toEqual([7, 7]);
    expect(JSON.parse(made)).toMatchObject({ id: 7, author: { id: BOB, name: 'User 2' }, text: 'text' });
  });
});
