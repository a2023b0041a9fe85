import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseFile } from '../../../src/store/sqlite/database.js';
import { openSqlite } from '../../support/sqlite.js';
import { say, TestStore } from '../../support/store.js';

/** Words that are nowhere else. Each begins with WORD. */
const WORD = 'gooseberry';

let folder: string;
let store: TestStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-deleted-'));
  store = await TestStore.open(openSqlite, folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** How often the files of the database have a word, once all of the write-ahead log is in the database. */
function occurrences(word: string): number {
  const db = new Database(databaseFile(folder));
  const [checkpoint] = db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
  db.close();
  expect(checkpoint?.busy).toBe(0);
  const files = [databaseFile(folder), `${databaseFile(folder)}-wal`].map((file) => readFileSync(file));
  return files.reduce((sum, bytes) => sum + bytes.toString('latin1').split(word).length - 1, 0);
}

describe('the text of a deleted message', () => {
  it('is in no file of the database, as it was sent and as it was edited', async () => {
    const chat = await store.group(2);
    await store.run(...Array.from({ length: 200 }, (_, n) => say(chat, 1, `before ${n} `.repeat(n))));
    const post = { chatId: chat, authorId: 1, text: `${WORD}-sent`.repeat(20), clientId: 'c' };
    const { id: messageId } = await store.ok('post_message', post);
    const reply = { chatId: chat, authorId: 2, text: 'a reply', replyTo: messageId };
    await store.ok('post_message', reply);
    await store.run(...Array.from({ length: 200 }, (_, n) => say(chat, 1, `after ${n} `.repeat(n))));
    for (const text of ['shorter', 'a longer one, '.repeat(300), 'last']) {
      await store.ok('edit_message', { actor: 1, messageId, text: `${WORD}-${text}` });
      await store.ok('react', { actor: 2, messageId, emoji: '👍', isOn: text === 'shorter' });
    }
    expect(occurrences(WORD)).toBeGreaterThan(3);
    await store.ok('delete_message', { actor: 1, messageId });
    expect(occurrences(WORD)).toBe(0);
    expect(occurrences('a reply')).toBe(1);
  });

  it('is gone also when it was too long for a page, and the message was deleted with others', async () => {
    const chat = await store.group(1);
    const ids: number[] = [];
    for (let n = 0; n < 20; n++) {
      const text = `${WORD}-${n} `.repeat(n % 2 === 0 ? 1000 : 10);
      ids.push((await store.ok('post_message', { chatId: chat, authorId: 1, text })).id);
    }
    const kept = ids.splice(7, 1);
    await store.run(...ids.map((messageId) => ({ kind: 'delete_message', actor: 1, messageId }) as const));
    expect(occurrences(WORD)).toBe(10);
    await store.run(...kept.map((messageId) => ({ kind: 'delete_message', actor: 1, messageId }) as const));
    expect(occurrences(WORD)).toBe(0);
  });

  it('goes with a deleted group, with what it was before and with what told of it', async () => {
    const chat = await store.group(1);
    const { id: messageId } = await store.ok('post_message', {
      chatId: chat,
      authorId: 1,
      text: `${WORD}-1`,
    });
    await store.ok('edit_message', { actor: 1, messageId, text: `${WORD}-2` });
    await store.ok('edit_message', { actor: 1, messageId, text: `${WORD}-3` });
    await store.ok('delete_group', { actor: 1, groupId: chat });
    expect(occurrences(WORD)).toBeGreaterThan(0);
    while (await store.write.purge(store.now + 3_600_000));
    expect(occurrences(WORD)).toBe(0);
  });
});
