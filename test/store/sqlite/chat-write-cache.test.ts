import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Connection, openWriter } from '../../../src/store/sqlite/database.js';
import { profileQueries } from '../../../src/store/sqlite/read/profiles.js';
import { migrate } from '../../../src/store/sqlite/upkeep/migrations.js';
import { ChatWriteCache } from '../../../src/store/sqlite/write/chat-write-cache.js';

const CHATS_MAX = 100;
const CHATS = 1000;

let folder: string;
let db: Connection;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-write-cache-'));
  db = openWriter(folder);
  migrate(db);
  db.pragma('foreign_keys = OFF'); // Nobody owns these groups.
  const chat = db.prepare(
    `INSERT INTO chat (id, type, name, description, owner_id, members_count, created_at)
     VALUES (?, 'group', '', '', 1, 1, 0)`,
  );
  const member = db.prepare('INSERT INTO member (chat_id, user_id) VALUES (?, 1)');
  db.transaction(() => {
    for (let id = 1; id <= CHATS; id++) {
      chat.run(id);
      member.run(id);
    }
  })();
});
afterEach(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

it.each([1, 10, 40])('a chat that is written to is not evicted for %i others in between', (others) => {
  const cache = new ChatWriteCache(db, profileQueries(db), CHATS_MAX);
  const cachedChat = (chatId: number) => cache.authorIn(chatId, 1)?.chat;
  const busy = cachedChat(1);
  for (let id = 2; id <= CHATS; id++) {
    cachedChat(id);
    if (id % others === 0) expect(cachedChat(1) === busy, `after chat ${id}`).toBe(true);
  }
});

it('chats that nobody writes to any more are evicted', () => {
  const cache = new ChatWriteCache(db, profileQueries(db), CHATS_MAX);
  const first = cache.authorIn(1, 1)?.chat;
  for (let id = 2; id <= CHATS; id++) cache.authorIn(id, 1);
  expect(cache.authorIn(1, 1)?.chat).not.toBe(first);
});
