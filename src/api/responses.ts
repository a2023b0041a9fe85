import { z } from 'zod';
import { USERS_PER_LIST_MAX } from '../chat/groups.js';
import { Id } from '../chat/ids.js';
import { ClientId, Description, Name, TEXT_CHARACTERS_MAX, utterance } from '../chat/text.js';
import { Username } from '../chat/users.js';

// The bodies of a 200, and the objects within them. They are strict: nothing is sent that they do not name.

export const Ok = z.strictObject({ status: z.literal('ok') });

/** The path of a user's or a group's photo. It stays the same when the photo is replaced. */
const Photo = z
  .string()
  .regex(/^\/api\/v1\/(?:user|group)\/[1-9]\d*\/photo$/)
  .nullable();
/** The same path with what an `<img>` needs in place of a token. It expires. */
const PhotoUrl = z
  .string()
  .regex(
    /^\/api\/v1\/(?:user|group)\/[1-9]\d*\/photo\?version=\w{8}&viewer=[^&]+&expires=\d+&signature=[\w-]{43}$/,
  )
  .nullable();
export const ChatType = z.enum(['private', 'group']);

/** A user by id, with the name that the profile has today. */
export const Author = z.strictObject({ id: Id, name: Name });

export const MessageView = z.strictObject({
  id: Id,
  chat_id: Id,
  type: z.literal('message'),
  text: utterance(TEXT_CHARACTERS_MAX),
  author: Author,
  time: z.iso.datetime({ precision: 3 }),
  client_id: ClientId.optional(),
});

export const UserView = z.strictObject({
  id: Id,
  name: Name,
  username: Username,
  description: Description,
  photo: Photo,
  photo_url: PhotoUrl,
});

export const ChatOpened = z.strictObject({ status: z.literal('ok'), chat: z.strictObject({ id: Id }) });

export const ChatInfo = z.strictObject({
  id: Id,
  type: z.literal('private'),
  name: Name,
  users: z.array(Author).length(2),
  last_message: MessageView.nullable(),
});

export const GroupCreated = z.strictObject({
  status: z.literal('ok'),
  group: z.strictObject({ id: Id, name: Name }),
});

/** Users of a request, in its order. */
const MemberIds = z.array(Id).max(USERS_PER_LIST_MAX);

export const GroupInfo = z.strictObject({
  id: Id,
  name: Name,
  description: Description,
  photo: Photo,
  photo_url: PhotoUrl,
  owner_id: Id,
  users_count: z.number().int().min(1),
});

export const UserUpdated = z.strictObject({ status: z.literal('ok'), user: UserView });

export const GroupUpdated = z.strictObject({ status: z.literal('ok'), group: GroupInfo });

/** What `if_needed` did: those who were not in the group and are now, and those who were in it already. */
export const MembersAdded = z.strictObject({
  status: z.literal('ok'),
  added: MemberIds,
  unchanged: MemberIds,
});

/** What `if_needed` did: those who were in the group and are not now, and those who were not in it. */
export const MembersRemoved = z.strictObject({
  status: z.literal('ok'),
  removed: MemberIds,
  unchanged: MemberIds,
});

/** All members. A group has at most GROUP_MEMBERS_MAX, which may be off. */
export const GroupUsers = z.strictObject({
  users: z.array(z.strictObject({ id: Id, name: Name, role: z.enum(['owner', 'member']) })),
});

export const Room = z.strictObject({
  id: Id,
  name: Name,
  type: ChatType,
  last_message: MessageView.nullable(),
});

/** As many chats as `limit` asks for; without it, all chats of the caller. */
export const ChatList = z.strictObject({ rooms: z.array(Room) });
