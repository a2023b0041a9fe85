import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Entry, type EntryKind, isChatEntry } from '../../../src/chat/entries.js';
import { databaseFile } from '../../../src/store/sqlite/database.js';
import { openSqlite } from '../../support/sqlite.js';
import { NOTHING_KNOWN, say, TestStore, UNBOUNDED, value } from '../../support/store.js';

const HOUR_MS = 3_600_000;
/** A word that people wrote, in everything that takes one. */
const WORD = 'gooseberry';

let folder: string;
let store: TestStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-entries-'));
  store = await TestStore.open(openSqlite, folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

function inTable<T>(use: (db: Database.Database) => T): T {
  const db = new Database(databaseFile(folder));
  try {
    return use(db);
  } finally {
    db.close();
  }
}

/** An entry of every kind that there is, about one group that is deleted in the end, and what they are. */
async function everyKind(): Promise<{ group: number; expected: readonly Entry[] }> {
  const profile = { username: WORD, name: WORD, description: WORD };
  for (const id of [1, 2, 3]) {
    await store.ok('create_user', { caller: { id }, ...profile, username: `${WORD}-${id}` });
  }
  const pair = await store.ok('open_chat', { actor: 2, other: 1 });
  const group = { actor: 1, name: WORD, description: WORD, photo: `${WORD}.png`, users: [2] };
  const { id: groupId } = await store.ok('create_group', group);
  const first = { chatId: groupId, authorId: 2, text: WORD, clientId: WORD };
  const { id: messageId } = await store.ok('post_message', first);
  await store.ok('post_message', { chatId: groupId, authorId: 1, text: '' });
  const { id: deleted } = await store.ok('post_message', { chatId: groupId, authorId: 2, text: WORD });
  await store.ok('react', { actor: 1, messageId, emoji: '🫐', isOn: true, clientId: WORD });
  await store.ok('edit_message', { actor: 2, messageId, text: `${WORD} 🫐\n`, clientId: WORD });
  await store.ok('delete_message', { actor: 1, messageId: deleted, clientId: WORD });
  await store.ok('mark_read', { actor: 2, chatId: groupId, id: messageId });
  await store.ok('add_members', { actor: 1, groupId, users: [3] });
  await store.ok('remove_members', { actor: 1, groupId, users: [3, 2] });
  await store.ok('update_group', { actor: 1, groupId, name: `${WORD} 2`, description: WORD, photo: null });
  await store.ok('update_user', { actor: 3, name: WORD });
  await store.ok('revoke_tokens', { claim: 'auth0|x', before: 1_600_000_000 });
  await store.ok('delete_group', { actor: 1, groupId });

  const by = (authorId: number, chatId = groupId) => ({ chatId, authorId });
  const text = { text: `${WORD} 🫐\n`, clientId: WORD };
  const changed = { version: 2, editedAt: store.now, reactions: [{ emoji: '🫐', count: 1 }], changeId: 10 };
  const gone = { changeId: 11, deletedAt: store.now, deletedBy: 1 };
  const expected = [
    ...[1, 2, 3].map((userId) => ({ kind: 'user_created' as const, userId })),
    { kind: 'chat_opened', ...by(2, pair.id), users: [1, 2] },
    { kind: 'group_created', ...by(1), users: [1, 2] },
    { kind: 'message', ...by(2), ...text, extra: changed },
    { kind: 'message', ...by(1), text: '', clientId: null },
    { kind: 'message', ...by(2), text: '', clientId: null, extra: gone },
    { kind: 'reaction_changed', ...by(1), messageId, clientId: WORD, emoji: '🫐', isOn: true, count: 1 },
    { kind: 'message_edited', ...by(2), messageId, ...text, version: 2 },
    { kind: 'message_deleted', ...by(1), messageId: deleted, clientId: WORD },
    { kind: 'chat_read', ...by(2), readId: messageId, isShown: true },
    { kind: 'members_added', ...by(1), users: [3] },
    { kind: 'members_removed', ...by(1), users: [3, 2] },
    { kind: 'group_changed', ...by(1) },
    { kind: 'user_changed', userId: 3 },
    { kind: 'tokens_revoked', claim: 'auth0|x', before: 1_600_000_000 },
    { kind: 'group_deleted', ...by(1) },
  ] as const;
  const seen = {
    ...{ message: 1, user_created: 1, user_changed: 1, chat_opened: 1, group_created: 1, group_changed: 1 },
    ...{ members_added: 1, members_removed: 1, group_deleted: 1, tokens_revoked: 1 },
    ...{ chat_read: 1, message_edited: 1, message_deleted: 1, reaction_changed: 1 },
  } satisfies Record<Exclude<EntryKind, 'unknown'>, 1>;
  expect(new Set(expected.map(({ kind }) => kind))).toEqual(new Set(Object.keys(seen)));
  const entries = expected.map((entry, index) => ({ ...entry, id: index + 1, time: store.now }));
  return { group: groupId, expected: entries };
}

describe('an entry', () => {
  it('of each kind is read as it was written', async () => {
    const { expected } = await everyKind();
    expect(await store.entries()).toEqual(expected);
    await store.reopen();
    expect(await store.entries()).toEqual(expected);
    for (const entry of expected) {
      const one = { ...UNBOUNDED, max: 1 };
      const lacks = { author: () => false, chat: () => false, partners: () => false };
      expect((await store.read.log(entry.id - 1, one, lacks)).entries).toEqual([entry]);
    }
  });

  it('of a kind that only a newer version knows is unknown', async () => {
    const chat = await store.group(1);
    await store.run(say(chat, 1, 'before'));
    const id = (await store.newest()) + 1;
    inTable((db) => {
      db.prepare(
        `INSERT INTO entry (chat_id, kind, author_id, text, time, payload, target_id, visibility)
         VALUES (?, 99, 1, 'new', 5, '{"new":true}', 1, 0)`,
      ).run(chat);
    });
    expect(await store.entries(id - 1)).toEqual([{ kind: 'unknown', id, time: 5 }]);
    expect(await store.newest()).toBe(id);
  });

  it('of an unknown kind is nothing that sockets of a chat hear of, and holds up no page', async () => {
    const chat = await store.group(1);
    const unknown = (count: number) =>
      inTable((db) => {
        const insert = db.prepare(
          "INSERT INTO entry (chat_id, kind, author_id, text, time, visibility) VALUES (?, 99, 1, 'new', 5, 2)",
        );
        for (let n = 0; n < count; n++) insert.run(chat);
      });
    const old: number[] = [];
    for (const text of ['a', 'b', 'c'])
      old.push((await store.ok('post_message', { chatId: chat, authorId: 1, text })).id);
    const before = await store.newest();
    const said: number[] = [];
    for (const messageId of old) {
      const text = `new ${messageId}`;
      unknown(3);
      said.push((await store.ok('post_message', { chatId: chat, authorId: 1, text })).id);
      said.push((await store.ok('edit_message', { actor: 1, messageId, text })).changeId);
    }
    unknown(3);
    for (const max of [1, 2, 3, 10]) {
      const read: number[] = [];
      for (let more = true; more; ) {
        const asked = [chat, 1, read.at(-1) ?? before, { ...UNBOUNDED, max }, NOTHING_KNOWN] as const;
        const page = await value(store.read.entriesFor(...asked, { view: 'full', reacted: [] }));
        read.push(...(page?.entries ?? []).map(({ id }) => id));
        more = (page?.newest ?? 0) > (read.at(-1) ?? before);
        if (more) expect(page?.entries).not.toEqual([]);
      }
      expect(read, `pages of ${max}`).toEqual(said);
    }
  });
});

describe('what is left of a deleted group', () => {
  it('has nothing that people wrote in any entry, and everything else stays', async () => {
    const { group, expected } = await everyKind();
    const newest = await store.newest();
    const later = store.now + HOUR_MS;
    for (let more = true; more; ) {
      more = await store.write.purge(later);
      expect(await store.newest()).toBe(newest);
    }
    const rows = inTable((db) =>
      db
        .prepare<[number], { kind: number; text: string; payload: string | null; client_id: string | null }>(
          'SELECT kind, text, payload, client_id FROM entry WHERE chat_id = ?',
        )
        .all(group),
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const { kind, text, payload, client_id } of rows) {
      expect({ kind, text, client_id }).toEqual({ kind, text: '', client_id: null });
      // Ids at most.
      if (payload !== null) expect(payload).toMatch(/^\[[\d,]*\]$/);
    }
    // How far a member had read goes with the member.
    const isKept = (entry: Entry) => !isChatEntry(entry) && entry.kind !== 'chat_read';
    expect(await store.entries()).toEqual(expected.filter(isKept));
    expect((await store.ok('update_user', { actor: 1, name: 'x' })).user.name).toBe('x');
    expect(await store.newest()).toBe(newest + 1);
  });

  it('has no entry that its chat shows, also of kinds that only a newer version knows', async () => {
    const chat = await store.group(1);
    inTable((db) => {
      const insert = db.prepare(
        `INSERT INTO entry (chat_id, kind, author_id, text, payload, time, visibility)
         VALUES (?, ?, 1, '${WORD}', '{"text":"${WORD}"}', 5, ?)`,
      );
      for (const kind of [1, 9, 99]) for (const visibility of [1, 2]) insert.run(chat, kind, visibility);
    });
    await store.ok('delete_group', { actor: 1, groupId: chat });
    while (await store.write.purge(store.now + HOUR_MS));
    const left = inTable((db) => db.prepare('SELECT * FROM entry').all());
    expect(JSON.stringify(left)).not.toContain(WORD);
    expect((await store.entries()).map(({ kind }) => kind)).toEqual([
      ...['user_created', 'group_created', 'group_deleted'],
    ]);
  });

  it('goes in slices of 1000 rows', async () => {
    const chat = await store.group(1500);
    await store.run(...Array.from({ length: 1200 }, () => say(chat, 1, 'x')));
    const said = await store.messages(chat);
    const reactions = said.map(({ id: messageId }) => {
      return { kind: 'react', actor: 1, messageId, emoji: '👍', isOn: true } as const;
    });
    await store.run(...reactions);
    await store.ok('delete_group', { actor: 1, groupId: chat });
    const count = () =>
      inTable((db) =>
        db
          .prepare<[number, number], number>(
            `SELECT (SELECT count(*) FROM entry WHERE chat_id = ? AND visibility > 0) +
                    (SELECT count(*) FROM member WHERE chat_id = ?)`,
          )
          .pluck()
          .get(chat, chat),
      ) ?? 0;
    let before = count();
    expect(before).toBe(1500 + 1200 + 1200);
    while (await store.write.purge(store.now + HOUR_MS)) {
      const now = count();
      expect(before - now).toBeLessThanOrEqual(1000);
      before = now;
    }
    expect(before).toBe(0);
  });
});
