import { beforeEach, describe, expect, it } from 'vitest';
import type { Chat } from '../../../src/chat/chats.js';
import type { Entry } from '../../../src/chat/entries.js';
import type { Message } from '../../../src/chat/messages.js';
import type { User } from '../../../src/chat/users.js';
import { Caches } from '../../../src/server/hub/caches.js';

const USER = 1;
const CHAT = 7;
const NOBODY = new Map<number, User>();

const user = (name: string): User => ({ id: USER, username: 'u', name, description: '', photo: null });
const chat: Chat = {
  ...{ id: CHAT, type: 'group', name: 'g', description: '', photo: null },
  ...{ ownerId: USER, pair: null, membersCount: 2 },
};
const message = (id: number, text = `message ${id}`): Message => {
  return { kind: 'message', id, chatId: CHAT, authorId: USER, text, time: id, clientId: null };
};
const base = { id: 100, time: 0 };
const ofChat = { ...base, chatId: CHAT, authorId: USER };

let caches: Caches;
beforeEach(() => {
  caches = new Caches();
  caches.addUser(user('Ann'));
  caches.addSubject('auth0|ann', USER);
  caches.addChat(chat);
  caches.addNewest(message(10));
});

/** What is remembered of each kind. */
const kept = () => ({
  user: caches.profile(USER) !== undefined,
  subject: caches.userOfSubject('auth0|ann') !== undefined,
  chat: caches.chat(CHAT) !== undefined,
  newest: caches.newestMessage(CHAT) !== undefined,
});
const ALL = { user: true, subject: true, chat: true, newest: true };

describe('a cache', () => {
  it('gives what was added: a user as JSON, a name for frames, a chat, its newest message', () => {
    expect(caches.profile(USER)).toMatchObject({ photo: null, nameJson: '"Ann"' });
    expect(JSON.parse(caches.profile(USER)?.json ?? '')).toMatchObject({ id: USER, name: 'Ann' });
    expect([caches.nameJson(USER), caches.nameJson(99)]).toEqual(['"Ann"', '""']);
    expect(caches.chat(CHAT)).toBe(chat);
    expect(caches.newestMessage(CHAT)).toEqual(message(10));
  });

  const entries: readonly (readonly [Entry, Partial<typeof ALL>])[] = [
    [message(11), {}],
    [{ ...base, kind: 'user_created', userId: 2 }, {}],
    [{ ...base, kind: 'user_changed', userId: USER }, { user: false }],
    [{ ...base, kind: 'user_changed', userId: 2 }, {}],
    [{ ...ofChat, kind: 'chat_opened', users: [1, 2] }, {}],
    [{ ...ofChat, kind: 'group_created', users: [1, 2] }, {}],
    [{ ...ofChat, kind: 'members_added', users: [3] }, { chat: false }],
    [{ ...ofChat, kind: 'members_removed', users: [3] }, { chat: false }],
    [{ ...ofChat, kind: 'group_changed' }, { chat: false }],
    [
      { ...ofChat, kind: 'group_deleted' },
      { chat: false, newest: false },
    ],
    [{ ...base, kind: 'tokens_revoked', claim: '1', before: 5 }, {}],
    [
      { ...base, kind: 'unknown' },
      { user: false, subject: false, chat: false, newest: false },
    ],
  ];
  it.each(entries)('forgets what $kind makes wrong, and nothing else', (entry, gone) => {
    caches.passed(entry, NOBODY);
    expect(kept()).toEqual({ ...ALL, ...gone });
  });

  it('takes a user who changed as they are now, and only one whom it knew', () => {
    const changed = new Map([[USER, user('Anna')]]);
    caches.passed({ ...base, kind: 'user_changed', userId: USER }, changed);
    expect(caches.nameJson(USER)).toBe('"Anna"');
    const stranger = new Map([[2, { ...user('Bob'), id: 2 }]]);
    caches.passed({ ...base, kind: 'user_changed', userId: 2 }, stranger);
    expect(caches.hasUser(2)).toBe(false);
  });
});

describe("a chat's newest message", () => {
  it('is the one that passed last, not an older one that passes again', () => {
    caches.passed(message(12), NOBODY);
    expect(caches.newestMessage(CHAT)?.id).toBe(12);
    caches.passed(message(11), NOBODY);
    expect(caches.newestMessage(CHAT)?.id).toBe(12);
  });

  it('of a chat that nobody asked about is not kept', () => {
    caches.passed({ ...message(12), chatId: 8 }, NOBODY);
    expect(caches.newestMessage(8)).toBeUndefined();
  });

  it('is forgotten when there is too much text: the oldest that nobody asked for', () => {
    const long = 'x'.repeat(4 * 1024 * 1024);
    for (const chatId of [1, 2, 3]) caches.addNewest({ ...message(20, long), chatId });
    expect([1, 2, 3].filter((chatId) => caches.newestMessage(chatId) !== undefined)).toEqual([3]);
  });
});
