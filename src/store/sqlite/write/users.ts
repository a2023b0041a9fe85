import { ChatError } from '../../../chat/errors.js';
import { usernameKey } from '../../../chat/username-key.js';
import { given, replacedPhoto } from './changes.js';
import type { WriterContext, Writers } from './writers.js';

export function userWriters({
  db,
  profiles,
  append,
  nextId,
}: WriterContext): Writers<'create_user' | 'update_user' | 'revoke_tokens' | 'reserve_id'> {
  const insert = db.prepare(
    `INSERT INTO user (id, subject, username, username_key, name, description, photo, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const holder = db.prepare<[string], number>('SELECT id FROM user WHERE username_key = ?').pluck();
  const update = db.prepare(
    `UPDATE user SET username = ?, username_key = coalesce(?, username_key), name = ?, description = ?, photo = ?,
       read_receipts = ?
     WHERE id = ?`,
  );
  const changed = db.prepare('UPDATE user SET changed_id = ? WHERE id = ?');
  const revoke = db
    .prepare<[string, number], number>(
      `INSERT INTO revocation (claim, before) VALUES (?, ?)
       ON CONFLICT (claim) DO UPDATE SET before = max(before, excluded.before) RETURNING before`,
    )
    .pluck();

  return {
    create_user(command, now) {
      const { caller, username, name, description } = command;
      const known = 'id' in caller ? profiles.user(caller.id)?.id : profiles.userOfSubject(caller.subject);
      if (known !== undefined) throw new ChatError('user_exists');
      const key = usernameKey(username);
      if (holder.get(key) !== undefined) throw new ChatError('username_taken');

      const id = 'id' in caller ? caller.id : (command.id ?? nextId('user'));
      const subject = 'subject' in caller ? caller.subject : null;
      insert.run(id, subject, username, key, name, description, command.photo ?? null, now);
      append({ kind: 'user_created', userId: id, time: now });
      return { id };
    },

    update_user({ actor, username, name, description, photo, readReceipts }, now) {
      const before = profiles.user(actor);
      if (before === undefined) throw new ChatError('profile_required');
      const user = { ...before, ...given({ username, name, description, photo, readReceipts }) };
      // A username that stays keeps its key, which may be one of its own (see the migrations).
      const key = user.username === before.username ? null : usernameKey(user.username);
      // A user may take their own name in another spelling.
      if (key !== null && (holder.get(key) ?? actor) !== actor) throw new ChatError('username_taken');

      const receipts = user.readReceipts ? 1 : 0;
      update.run(user.username, key, user.name, user.description, user.photo, receipts, actor);
      changed.run(append({ kind: 'user_changed', userId: actor, time: now }), actor);
      return { user, ...replacedPhoto(before.photo, user.photo) };
    },

    revoke_tokens({ claim, before }, now) {
      const latest = revoke.get(claim, before) ?? before;
      append({ kind: 'tokens_revoked', claim, before: latest, time: now });
      return {};
    },

    reserve_id: ({ of }) => ({ id: nextId(of) }),
  };
}
