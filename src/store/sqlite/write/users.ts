import { EntryKind } from '../../../chat/entries.js';
import { ChatError } from '../../../chat/errors.js';
import { usernameKey } from '../../../chat/users.js';
import type { WriterContext, Writers } from './writers.js';

export function userWriters({
  db,
  view,
  append,
  nextId,
}: WriterContext): Writers<'create_user' | 'revoke_tokens' | 'reserve_id'> {
  const usernameTaken = db.prepare<[string], number>('SELECT 1 FROM user WHERE username_key = ?').pluck();
  const insert = db.prepare(
    `INSERT INTO user (id, subject, username, username_key, name, description, photo, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const revoke = db.prepare(
    `INSERT INTO revocation (claim, before) VALUES (?, ?)
     ON CONFLICT (claim) DO UPDATE SET before = max(before, excluded.before)`,
  );

  return {
    create_user(command, now) {
      const { caller, username, name, description } = command;
      const known = 'id' in caller ? view.user(caller.id)?.id : view.userOfSubject(caller.subject);
      if (known !== undefined) throw new ChatError('user_exists');
      const key = usernameKey(username);
      if (usernameTaken.get(key) !== undefined) throw new ChatError('username_taken');

      const id = 'id' in caller ? caller.id : (command.id ?? nextId('user'));
      const subject = 'subject' in caller ? caller.subject : null;
      insert.run(id, subject, username, key, name, description, command.photo ?? null, now);
      append({ chatId: 0, kind: EntryKind.userCreated, authorId: id, time: now });
      return { id };
    },

    revoke_tokens({ claim, before }, now) {
      revoke.run(claim, before);
      append({ chatId: 0, kind: EntryKind.tokensRevoked, authorId: 0, text: claim, time: now });
      return {};
    },

    reserve_id: ({ of }) => ({ id: nextId(of) }),
  };
}
