import { z } from 'zod';
import type { Chat } from './chats.js';
import { ChatError } from './errors.js';
import { Id } from './ids.js';
import { ClientId, Description, Name } from './text.js';

const Member = z.object({ id: Id }, { error: 'must be an object' });

/** A JSON body may not have more objects (`JSON_CONTAINERS_MAX` of api/json.ts, less the body and the list). */
export const USERS_PER_LIST_MAX = 16_382;

/**
 * `[{ "id": 1, "name": … }]` as clients send it. The name is ignored and repeats are dropped. Only the first user
 * that is not right is reported: to report each in a body of 1 MiB would take a second.
 */
const UserList = z
  .array(z.unknown(), { error: 'must be a list' })
  .transform((users, context) => {
    const ids = new Set<number>();
    for (const [at, user] of users.entries()) {
      const { success, data, error } = Member.safeParse(user);
      if (success) {
        ids.add(data.id);
        continue;
      }
      for (const { message, path } of error.issues) {
        context.addIssue({ code: 'custom', message, path: [at, ...path] });
      }
      return z.NEVER;
    }
    return [...ids];
  })
  .meta({
    items: { ...z.toJSONSchema(Member, { io: 'input' }), $schema: undefined },
    maxItems: USERS_PER_LIST_MAX,
    description: 'Users by their ids. A `name` beside an id is ignored, and repeats are dropped.',
  });

export const NewGroup = z.object(
  {
    name: Name,
    description: Description.default(''),
    users: UserList.default([]),
    client_id: ClientId.optional(),
  },
  { error: 'must be an object' },
);
export type NewGroup = z.infer<typeof NewGroup>;

/** What the owner changes; what is absent stays as it is. `photo` can only be taken away here: a new one is uploaded. */
export const GroupChanges = z.object(
  {
    name: Name.optional(),
    description: Description.optional(),
    photo: z.null({ error: 'must be null, which removes it' }).optional(),
  },
  { error: 'must be an object' },
);
export type GroupChanges = z.infer<typeof GroupChanges>;

export const MemberList = z.object(
  {
    users: UserList.refine((ids) => ids.length > 0, { error: 'must not be empty' }).meta({ minItems: 1 }),
  },
  { error: 'must be an object' },
);
export type MemberList = z.infer<typeof MemberList>;

/**
 * Only the owner manages a group: a member is refused with `not_owner`, everyone else as if there were no group.
 * `group` is undefined when the actor is in no such group.
 */
export function assertMayManage(group: Chat | undefined, actor: number): asserts group is Chat {
  if (group === undefined) throw new ChatError('group_not_found');
  if (group.ownerId !== actor) throw new ChatError('not_owner');
}

/** `max` 0: no limit. */
export function assertSize(members: number, max: number): void {
  if (max > 0 && members > max)
    throw new ChatError('group_too_large', { details: { limit: 'group_members', max } });
}

/** Adding is all or nothing. `unknown` are those of the list who have no profile, `members` those who are in already. */
export function assertMayAdd(unknown: readonly number[], members: readonly number[]): void {
  if (unknown.length > 0) throw new ChatError('user_unknown', { details: { users: unknown } });
  if (members.length > 0) throw new ChatError('already_member', { details: { users: members } });
}

/** Removing is all or nothing, and the owner stays. `strangers` are those of the list who are not members. */
export function assertMayRemove(
  users: readonly number[],
  ownerId: number,
  strangers: readonly number[],
): void {
  if (users.includes(ownerId)) throw new ChatError('owner_stays', { details: { users: [ownerId] } });
  if (strangers.length > 0) throw new ChatError('not_a_member', { details: { users: strangers } });
}
