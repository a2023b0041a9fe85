import { usernameKey } from '../../../chat/username-key.js';
import type { Connection } from '../database.js';

/**
 * The schema, as an ordered list: a database of version n has had the first n applied. Within a major version the list
 * only grows. A database that is newer than this list is not opened. A step may call `key_of_username`.
 */
const MIGRATIONS = [
  `
  -- The log. Appended only; ids grow in the order of commits and are never used again.
  -- \`n\` numbers a chat's messages 1, 2, 3, …, so that a page at any offset is found by bisection.
  CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chat_id INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    author_id INTEGER NOT NULL,
    text TEXT NOT NULL DEFAULT '',
    time INTEGER NOT NULL,
    client_id TEXT,
    n INTEGER NOT NULL DEFAULT 0,
    users TEXT
  );
  -- Messages only: history, the newest message and repeats of a client_id are read from here.
  CREATE INDEX entry_message ON entry (chat_id, id, author_id, client_id) WHERE kind = 1;

  CREATE TABLE user (
    id INTEGER PRIMARY KEY,
    subject TEXT UNIQUE,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    photo TEXT,
    created_at INTEGER NOT NULL
  );

  CREATE TABLE chat (
    id INTEGER PRIMARY KEY,
    type TEXT NOT NULL CHECK (type IN ('private', 'group')),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    photo TEXT,
    owner_id INTEGER NOT NULL REFERENCES user (id),
    user_a INTEGER REFERENCES user (id),
    user_b INTEGER REFERENCES user (id),
    members_count INTEGER NOT NULL,
    client_id TEXT,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER
  );
  CREATE UNIQUE INDEX chat_pair ON chat (user_a, user_b) WHERE type = 'private';
  CREATE UNIQUE INDEX chat_client_id ON chat (owner_id, client_id) WHERE client_id IS NOT NULL;
  -- Deleted groups whose messages and members are still to be removed, slice by slice.
  CREATE TABLE purge (chat_id INTEGER PRIMARY KEY, deleted_at INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE member (
    chat_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    PRIMARY KEY (chat_id, user_id)
  ) WITHOUT ROWID;
  CREATE INDEX member_user ON member (user_id, chat_id);

  -- Ids that no row may have yet: handed out once each.
  CREATE TABLE sequence (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO sequence VALUES ('chat', 0), ('user', 999999999999);

  -- Each start of the ledger. Committing one also makes durable what WAL recovery found.
  CREATE TABLE incarnation (id TEXT PRIMARY KEY, started_at INTEGER NOT NULL) WITHOUT ROWID;

  -- Outcomes of the workers' frames that are not yet confirmed: what makes a frame sent twice count once.
  CREATE TABLE frame (
    origin TEXT NOT NULL,
    number INTEGER NOT NULL,
    outcomes TEXT NOT NULL,
    applied_at INTEGER NOT NULL,
    PRIMARY KEY (origin, number)
  ) WITHOUT ROWID;
  `,
  `
  -- One row: which database this is, among all that share a Redis.
  CREATE TABLE identity (id TEXT PRIMARY KEY) WITHOUT ROWID;
  INSERT INTO identity VALUES (lower(hex(randomblob(16))));
  `,
  `
  -- Tokens for a claim that were issued before a time, in seconds, are void.
  CREATE TABLE revocation (claim TEXT PRIMARY KEY, before INTEGER NOT NULL) WITHOUT ROWID;
  `,
  `
  -- A worker's commands travel in batches.
  ALTER TABLE frame RENAME TO batch;
  ALTER TABLE batch RENAME COLUMN origin TO worker;

  -- What an entry says beside its text, as JSON: the members that came or went, or what its kind needs.
  ALTER TABLE entry RENAME COLUMN users TO payload;
  -- The entry that a change is about.
  ALTER TABLE entry ADD COLUMN target_id INTEGER;
  -- Who reads an entry: 0 the workers alone, 1 the chat's history too (messages), 2 the chat's open sockets too
  -- (changes). An entry of a chat that has a text or a payload of people's words is one of the last two: these are
  -- removed with the chat, the others are kept for good.
  ALTER TABLE entry ADD COLUMN visibility INTEGER NOT NULL DEFAULT 1;
  UPDATE entry SET visibility = 0 WHERE kind <> 1;
  DROP INDEX entry_message;
  CREATE INDEX entry_message ON entry (chat_id, id, author_id, client_id) WHERE visibility = 1;
  CREATE INDEX entry_change ON entry (chat_id, id) WHERE visibility = 2;
  `,
  `
  -- 1 once the data folder keeps, beside the database, how far ids were given.
  ALTER TABLE identity ADD COLUMN ids_recorded INTEGER NOT NULL DEFAULT 0;
  -- Ids of the log, from the first to the last, that this database never gave.
  CREATE TABLE id_gap (first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
  `,
  `
  -- The keys of usernames are made in another way. Where usernames meet in one key, the first user gets it. The others
  -- keep their usernames under keys with a line break, which no username can have, until they change them.
  CREATE TEMP TABLE new_key AS
    SELECT id, iif(place = 1, key, char(10) || id) AS key FROM (
      SELECT *, row_number() OVER (PARTITION BY key ORDER BY created_at, id) AS place FROM (
        SELECT id, created_at, username_key, key_of_username(username) AS key FROM user
      )
    ) WHERE place > 1 OR key <> username_key;
  -- A new key may be the old one of another user, so that the old ones go first.
  UPDATE user SET username_key = char(10) || id WHERE id IN (SELECT id FROM new_key);
  UPDATE user SET username_key = new_key.key FROM new_key WHERE new_key.id = user.id;
  DROP TABLE new_key;
  `,
  `
  -- Keys that nobody but the servers of this database may know.
  CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
  INSERT INTO secret VALUES ('photo_links', randomblob(32));
  `,
  `
  -- A change of a message is an entry of its own, and \`target_id\` is the message, which is changed in its place. A
  -- message has one change with visibility 2, the newest. 3: a newer one followed; it is removed when no worker can be
  -- behind it. 4: a deleted message, whose place is kept without its text.
  UPDATE entry SET visibility = 0 WHERE visibility = 2; -- Changes of groups, of which sockets are not told by this.
  -- Each index costs each message 2 % of its commit, also one that does not hold it. So what is rare has tables instead.
  DROP INDEX entry_change;
  CREATE INDEX entry_change ON entry (chat_id, id, author_id, client_id, target_id) WHERE visibility = 2;
  CREATE INDEX entry_aside ON entry (chat_id, visibility, id, author_id, client_id, target_id) WHERE visibility > 2;
  -- Entries that newer ones superseded, with their times, until they are removed.
  CREATE TABLE superseded (id INTEGER PRIMARY KEY, time INTEGER NOT NULL);
  -- The numbers of a chat's deleted messages.
  CREATE TABLE tombstone (chat_id INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (chat_id, n)) WITHOUT ROWID;
  -- Who reacted. The counts are with the messages.
  CREATE TABLE reaction (
    message_id INTEGER NOT NULL,
    emoji TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    PRIMARY KEY (message_id, emoji, user_id)
  ) WITHOUT ROWID;
  `,
  `
  -- How far each member has read: messages with a higher id are unread. What was there before the update counts as read.
  ALTER TABLE member ADD COLUMN read_id INTEGER NOT NULL DEFAULT 0;
  -- The newest entry that tells of it; the ones before it are superseded.
  ALTER TABLE member ADD COLUMN read_entry_id INTEGER;
  UPDATE member SET read_id = coalesce((SELECT max(id) FROM entry), 0);
  -- Whether other members are shown how far the user has read.
  ALTER TABLE user ADD COLUMN read_receipts INTEGER NOT NULL DEFAULT 1;
  -- Messages that mention a user; user 0 stands for everybody in the group.
  CREATE TABLE mention (
    chat_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    author_id INTEGER NOT NULL,
    PRIMARY KEY (chat_id, user_id, message_id)
  ) WITHOUT ROWID;
  `,
  `
  -- The entries by which a user who resumes sees what happened to chats meanwhile: with which one each member came, which
  -- one was the last to change a group or a profile, and which one deleted a group. Who was there before counts as there from the beginning.
  ALTER TABLE member ADD COLUMN joined_id INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE chat ADD COLUMN changed_id INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE chat ADD COLUMN deleted_id INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE user ADD COLUMN changed_id INTEGER NOT NULL DEFAULT 0;
  -- Chats that a user was in and is not any more, and the entry that ended it.
  CREATE TABLE departure (
    user_id INTEGER NOT NULL,
    chat_id INTEGER NOT NULL,
    entry_id INTEGER NOT NULL,
    PRIMARY KEY (user_id, chat_id)
  ) WITHOUT ROWID;
  `,
] as const;

export const SCHEMA_VERSION = MIGRATIONS.length;

/** The database has a schema that this version does not know. */
export class NewerDatabase extends Error {
  override readonly name = 'NewerDatabase';
}

/** Brings the schema up to date, each step in a transaction of its own. Errors: NewerDatabase; those of SQLite. */
export function migrate(db: Connection): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version > SCHEMA_VERSION) {
    throw new NewerDatabase(`it has schema ${version}, and this version knows up to ${SCHEMA_VERSION}`);
  }
  db.function('key_of_username', { deterministic: true }, (username) => usernameKey(String(username)));
  MIGRATIONS.slice(version).forEach((sql, index) => {
    db.exec('BEGIN IMMEDIATE');
    try {
      db.exec(sql);
      db.pragma(`user_version = ${version + index + 1}`);
      db.exec('COMMIT');
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK'); // Some errors end the transaction by themselves.
      throw error;
    }
  });
}
