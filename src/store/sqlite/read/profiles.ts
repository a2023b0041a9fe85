import type { Chat } from '../../../chat/chats.js';
import type { User } from '../../../chat/users.js';
import { NO_USERS } from '../../loading.js';
import type { Users } from '../../read-store.js';
import type { Connection } from '../database.js';

interface UserRow extends Omit<User, 'readReceipts'> {
  readonly readReceipts: 0 | 1;
}

interface ChatRow extends Omit<Chat, 'pair'> {
  readonly userA: number | null;
  readonly userB: number | null;
}

const CHAT = `c.id, c.type, c.name, c.description, c.photo, c.owner_id AS ownerId, c.user_a AS userA,
  c.user_b AS userB, c.members_count AS membersCount`;

export type Profiles = ReturnType<typeof profileQueries>;

/** Makes the queries for users, chats and memberships. The ledger uses them within its transactions too. */
export function profileQueries(db: Connection) {
  const user = db.prepare<[number], UserRow>(
    'SELECT id, username, name, description, photo, read_receipts AS readReceipts FROM user WHERE id = ?',
  );
  const userOfSubject = db.prepare<[string], number>('SELECT id FROM user WHERE subject = ?').pluck();
  const chat = db.prepare<[number], ChatRow>(
    `SELECT ${CHAT} FROM chat c WHERE c.id = ? AND c.deleted_at IS NULL`,
  );
  // Membership is looked up first, so that the time of the answer does not tell a stranger whether the chat exists.
  const chatFor = db.prepare<[number, number], ChatRow>(
    `SELECT ${CHAT} FROM member m CROSS JOIN chat c ON c.id = m.chat_id
     WHERE m.chat_id = ? AND m.user_id = ? AND c.deleted_at IS NULL`,
  );
  const isMember = db
    .prepare<[number, number], number>(
      `SELECT 1 FROM member m CROSS JOIN chat c ON c.id = m.chat_id
       WHERE m.chat_id = ? AND m.user_id = ? AND c.deleted_at IS NULL`,
    )
    .pluck();

  const oneUser = (id: number) => copyOfUser(user.get(id));
  return {
    user: oneUser,
    users(ids: Iterable<number>): Users {
      const found = new Map<number, User>();
      for (const id of ids) {
        const one = oneUser(id);
        if (one !== undefined) found.set(id, one);
      }
      return found.size === 0 ? NO_USERS : found;
    },
    userOfSubject: (subject: string) => userOfSubject.get(subject),
    chat: (id: number) => chatOf(chat.get(id)),
    chatFor: (chatId: number, userId: number) => chatOf(chatFor.get(chatId, userId)),
    isMember: (chatId: number, userId: number) => isMember.get(chatId, userId) !== undefined,
  };
}

// Rows that caches keep are copied, because each row of better-sqlite3 has a hidden class of its own, of 380 bytes.

function copyOfUser(row: UserRow | undefined): User | undefined {
  if (row === undefined) return undefined;
  const { id, username, name, description, photo, readReceipts } = row;
  return { id, username, name, description, photo, readReceipts: readReceipts === 1 };
}

function chatOf(row: ChatRow | undefined): Chat | undefined {
  if (row === undefined) return undefined;
  const { id, type, name, description, photo, ownerId, userA, userB, membersCount } = row;
  const pair = userA === null || userB === null ? null : ([userA, userB] as const);
  return { id, type, name, description, photo, ownerId, pair, membersCount };
}
