import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** What must be in the database in the end: rows as texts, and how often each is there. */
export class Rows {
  readonly #counts = new Map<string, number>();

  add(kind: string, ...fields: readonly (string | number | null)[]): void {
    const row = JSON.stringify([kind, ...fields]);
    this.#counts.set(row, (this.#counts.get(row) ?? 0) + 1);
  }

  get size(): number {
    let size = 0;
    for (const count of this.#counts.values()) size += count;
    return size;
  }

  /** Rows that `other` has more often, or that only it has. */
  missingOf(other: Rows): string[] {
    const missing: string[] = [];
    for (const [row, count] of other.#counts) {
      const own = this.#counts.get(row) ?? 0;
      if (own < count)
        missing.push(`${row.slice(0, 300)}${count - own > 1 ? ` (${count - own} times)` : ''}`);
    }
    return missing;
  }
}

/** Everything that clients have stored, read when the server has ended, without what `isLoose` of users and chats. */
export function storedIn(dataDir: string, isLoose: (of: 'user' | 'group', id: number) => boolean): Rows {
  const db = new Database(join(dataDir, 'parley.db'), { readonly: true });
  const rows = new Rows();
  try {
    const messages = db.prepare('SELECT chat_id, author_id, text, client_id FROM entry WHERE kind = 1').raw();
    for (const row of messages.iterate() as Iterable<[number, number, string, string | null]>)
      rows.add('message', ...row);
    for (const { id, username, name, description, photo } of db
      .prepare('SELECT * FROM user')
      .all() as User[]) {
      if (!isLoose('user', id))
        rows.add('user', id, username, name, description, photoOf(dataDir, 'users', id, photo));
    }
    for (const chat of db.prepare('SELECT * FROM chat').all() as Chat[]) {
      const {
        id,
        type,
        name,
        description,
        owner_id: owner,
        members_count: members,
        deleted_at: deleted,
      } = chat;
      if (type === 'group' && isLoose('group', id)) continue;
      rows.add(
        'chat',
        type,
        name,
        description,
        owner,
        members,
        deleted,
        photoOf(dataDir, 'groups', id, chat.photo),
      );
    }
    for (const { id } of db.prepare(MISCOUNTED).all() as { id: number }[]) rows.add('miscounted', id);
    return rows;
  } finally {
    db.close();
  }
}

const MISCOUNTED =
  'SELECT id FROM chat c WHERE members_count <> (SELECT count(*) FROM member m WHERE m.chat_id = c.id)';

interface User {
  readonly id: number;
  readonly username: string;
  readonly name: string;
  readonly description: string;
  readonly photo: string | null;
}

interface Chat {
  readonly id: number;
  readonly type: 'private' | 'group';
  readonly name: string;
  readonly description: string;
  readonly owner_id: number;
  readonly members_count: number;
  readonly deleted_at: number | null;
  readonly photo: string | null;
}

/** The size of a photo, which is a WebP without transparency (RFC 9649, 2.5). */
function photoOf(dataDir: string, owner: 'users' | 'groups', id: number, name: string | null): string | null {
  if (name === null) return null;
  const bytes = readFileSync(join(dataDir, 'files', owner, String(id), name));
  return sizeText(bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff);
}

export function sizeText(width: number, height: number): string {
  return `${width} × ${height}`;
}
