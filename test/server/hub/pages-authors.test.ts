import { beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/chat/entries.js';
import { type EncodedEntry, EncodedPages } from '../../../src/server/hub/pages.js';
import { NO_QUOTES } from '../../../src/store/loading.js';

const [ALICE, BOB, CAROL] = [1, 2, 3];

let pages: EncodedPages;
beforeEach(() => {
  pages = new EncodedPages('plain');
});

const changed = (userId: number): Entry => ({ kind: 'user_changed', id: 1_000_000, userId, time: 0 });
const frame = '{"a":"frame"}';
const entries: EncodedEntry[] = [
  { id: 9, messageId: 9, frame, bytes: 100, reactions: undefined, replyTo: undefined },
];

function keep(chatId: number, authors: Set<number>): void {
  pages.keepRecent(chatId, { entries, bytes: 100, more: false }, authors, 50);
  pages.keep({ chatId, from: 0, last: 9, entries, authors, bytes: 100 });
}
const isKept = (chatId: number) => ({
  recent: pages.recent(chatId, 50) !== undefined,
  page: pages.after(chatId, 0) !== undefined,
});
const BOTH = { recent: true, page: true };
const NEITHER = { recent: false, page: false };

describe('pages of many authors', () => {
  it('go when one of their authors changes, and no others', () => {
    keep(1, new Set([ALICE, BOB]));
    keep(2, new Set([BOB]));
    pages.passed(changed(ALICE));
    expect([isKept(1), isKept(2)]).toEqual([NEITHER, BOTH]);
    keep(1, new Set([BOB]));
    pages.passed(changed(ALICE));
    expect([isKept(1), isKept(2)]).toEqual([BOTH, BOTH]);
    pages.passed(changed(BOB));
    expect([isKept(1), isKept(2)]).toEqual([NEITHER, NEITHER]);
  });

  it('go when one changes who has written since, and when what they replace had other authors', () => {
    keep(1, new Set([ALICE]));
    const next = { id: 10, chatId: 1, authorId: CAROL, text: '', time: 0, clientId: null };
    pages.messagePassed({ kind: 'message', ...next }, frame, NO_QUOTES);
    pages.passed(changed(CAROL));
    expect(isKept(1)).toEqual({ recent: false, page: true });
    keep(1, new Set([BOB]));
    keep(1, new Set([ALICE]));
    pages.passed(changed(BOB));
    expect(isKept(1)).toEqual(BOTH);
    pages.passed(changed(ALICE));
    expect(isKept(1)).toEqual(NEITHER);
  });

  it('are not gone through for one who wrote none of them', () => {
    let looks = 0;
    class Counting extends Set<number> {
      override has(author: number): boolean {
        looks += 1;
        return super.has(author);
      }
    }
    for (let chatId = 1; chatId <= 1000; chatId++) keep(chatId, new Counting([ALICE]));
    pages.passed(changed(BOB));
    expect(looks).toBe(0);
    expect(isKept(1000)).toEqual(BOTH);
  });
});
