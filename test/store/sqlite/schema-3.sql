-- A database of schema 3, as the version of parley that had it wrote it: every kind of entry, a group that is deleted
-- and not yet purged, ids that were reserved, and outcomes that no worker has confirmed.
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
INSERT INTO entry VALUES(1,0,2,1,'',1700000001000,NULL,0,NULL);
INSERT INTO entry VALUES(2,0,2,2,'',1700000001000,NULL,0,NULL);
INSERT INTO entry VALUES(3,0,2,3,'',1700000001000,NULL,0,NULL);
INSERT INTO entry VALUES(4,0,2,1000000000000,'',1700000003000,NULL,0,NULL);
INSERT INTO entry VALUES(5,1,3,2,'',1700000004000,NULL,0,'[1,2]');
INSERT INTO entry VALUES(6,2,4,1,'',1700000005000,NULL,0,'[1,2,3]');
INSERT INTO entry VALUES(7,1,1,2,'hello Ann',1700000006000,'b-1',1,NULL);
INSERT INTO entry VALUES(8,2,1,1,'roses',1700000006000,'a-1',1,NULL);
INSERT INTO entry VALUES(9,2,1,2,'and тюльпаны 🌷',1700000006000,'b-1',2,NULL);
INSERT INTO entry VALUES(10,2,5,1,'',1700000007000,NULL,0,'[1000000000000]');
INSERT INTO entry VALUES(11,2,1,1000000000000,'thanks',1700000008000,NULL,3,NULL);
INSERT INTO entry VALUES(12,2,6,1,'',1700000008000,NULL,0,'[3]');
INSERT INTO entry VALUES(13,2,1,1,'it''s dry',1700000008000,'a-2',4,NULL);
INSERT INTO entry VALUES(14,3,4,2,'',1700000009000,NULL,0,'[2,1]');
INSERT INTO entry VALUES(15,3,1,2,'forget this',1700000010000,'b-1',1,NULL);
INSERT INTO entry VALUES(16,3,1,1,'and this',1700000010000,NULL,2,NULL);
INSERT INTO entry VALUES(17,3,7,2,'',1700000011000,NULL,0,NULL);
INSERT INTO entry VALUES(18,0,8,0,'3',1700000012000,NULL,0,NULL);
INSERT INTO entry VALUES(19,0,8,0,'auth0|eve',1700000013000,NULL,0,NULL);
INSERT INTO entry VALUES(20,1,1,1,'hello Bob',1700000015000,'a-3',2,NULL);
INSERT INTO entry VALUES(21,2,1,2,'rain',1700000015000,NULL,5,NULL);
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
INSERT INTO user VALUES(1,NULL,'Ann','ann','Ann N.','first
of all','ann.png',1700000001000);
INSERT INTO user VALUES(2,NULL,'Bob','bob','Bob N.','',NULL,1700000001000);
INSERT INTO user VALUES(3,NULL,'Cleo','cleo','Cleo N.','',NULL,1700000001000);
INSERT INTO user VALUES(1000000000000,'auth0|dan','Dan','dan','Dan N.','',NULL,1700000003000);
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
INSERT INTO chat VALUES(1,'private','','',NULL,2,1,2,2,NULL,1700000004000,NULL);
INSERT INTO chat VALUES(2,'group','Garden','what grows','garden.png',1,NULL,NULL,3,'garden-1',1700000005000,NULL);
INSERT INTO chat VALUES(3,'group','Old plans','nobody needs them',NULL,2,NULL,NULL,2,NULL,1700000009000,1700000011000);
CREATE TABLE purge (chat_id INTEGER PRIMARY KEY, deleted_at INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO purge VALUES(3,1700000011000);
CREATE TABLE member (
  chat_id INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  PRIMARY KEY (chat_id, user_id)
) WITHOUT ROWID;
INSERT INTO member VALUES(1,1);
INSERT INTO member VALUES(2,1);
INSERT INTO member VALUES(3,1);
INSERT INTO member VALUES(1,2);
INSERT INTO member VALUES(2,2);
INSERT INTO member VALUES(3,2);
INSERT INTO member VALUES(2,1000000000000);
CREATE TABLE sequence (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO sequence VALUES('chat',4);
INSERT INTO sequence VALUES('user',1000000000000);
CREATE TABLE incarnation (id TEXT PRIMARY KEY, started_at INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO incarnation VALUES('285a7d93-2b5e-492d-b484-3c8bdff95441',1700000000000);
CREATE TABLE frame (
  origin TEXT NOT NULL,
  number INTEGER NOT NULL,
  outcomes TEXT NOT NULL,
  applied_at INTEGER NOT NULL,
  PRIMARY KEY (origin, number)
) WITHOUT ROWID;
INSERT INTO frame VALUES('worker-a',14,'[{"ok":{"id":4}}]',1700000014000);
INSERT INTO frame VALUES('worker-b',7,'[20,{"ok":{"id":20,"duplicate":{"id":20,"chatId":1,"authorId":1,"text":"hello Bob","time":1700000015000,"clientId":"a-3"}}},{"error":"chat_not_found"},{"error":"user_unknown","details":{"users":[99]}},21]',1700000015000);
CREATE TABLE identity (id TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO identity VALUES('2974032915d32e693287d61126be48ae');
CREATE TABLE revocation (claim TEXT PRIMARY KEY, before INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO revocation VALUES('3',1700000009);
INSERT INTO revocation VALUES('auth0|eve',1700000010);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('entry',21);
CREATE INDEX entry_message ON entry (chat_id, id, author_id, client_id) WHERE kind = 1;
CREATE UNIQUE INDEX chat_pair ON chat (user_a, user_b) WHERE type = 'private';
CREATE UNIQUE INDEX chat_client_id ON chat (owner_id, client_id) WHERE client_id IS NOT NULL;
CREATE INDEX member_user ON member (user_id, chat_id);
PRAGMA user_version = 3;
