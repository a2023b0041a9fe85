import { z } from 'zod';
import { Emoji } from '../chat/emoji.js';
import { USERS_PER_LIST_MAX } from '../chat/groups.js';
import { Id } from '../chat/ids.js';
import { EMOJI_PER_MESSAGE_MAX, MENTIONS_MAX, QUOTE_CHARACTERS_MAX, UNREAD_MAX } from '../chat/messages.js';
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

export const Time = z.iso.datetime({ precision: 3 });

/** An emoji that users reacted with: how many, and whether the reader is one of them. */
const ReactionView = z.strictObject({ emoji: Emoji, count: z.int().min(1), me: z.boolean() });
/** In the order in which each emoji came first. */
export const ReactionsView = z.array(ReactionView).max(EMOJI_PER_MESSAGE_MAX);

export const MessageView = z.strictObject({
  id: Id,
  chat_id: Id,
  type: z.literal('message'),
  text: utterance(TEXT_CHARACTERS_MAX),
  author: Author,
  time: Time,
  client_id: ClientId.optional(),
  /** The message that this one answers, and the beginning of its text as it is now. A deleted one is not quoted. */
  reply_to: Id.optional(),
  quote: z
    .strictObject({
      text: z
        .string()
        .min(1)
        .meta({ maxLength: QUOTE_CHARACTERS_MAX + 1 }),
      author: Author,
    })
    .optional(),
  /** Members by id, or everybody. */
  mentions: z
    .array(z.union([Id, z.literal('all')]))
    .min(1)
    .max(MENTIONS_MAX)
    .optional(),
  /** Both are there when the message was edited. The first text has version 1. */
  version: z.int().min(2).optional(),
  edited_at: Time.optional(),
  /** Only for those who ask for changes, in history and pages, and when there are any. */
  reactions: ReactionsView.min(1).optional(),
});

/** The place of a deleted message, for those who ask for changes. */
export const TombstoneView = MessageView.pick({
  id: true,
  chat_id: true,
  type: true,
  author: true,
  time: true,
  client_id: true,
}).extend({ deleted: z.literal(true) });

/** The most messages or users of a page. A `limit` over it is taken as it. */
export const PAGE_ROWS_MAX = 1000;

/** A message as it is now, or its place when it was deleted. */
export const AnyMessage = z.union([MessageView, TombstoneView]);

export const MessageShown = z.strictObject({ status: z.literal('ok'), message: AnyMessage });

/** `duplicate`: the author used the `client_id` in this chat before, and this is the message of then. */
export const MessagePosted = MessageShown.extend({ duplicate: z.literal(true).optional() });

/** Messages of a chat, oldest first, and whether there are others on both sides of them. */
export const MessagesAt = z.strictObject({
  messages: z.array(AnyMessage).max(PAGE_ROWS_MAX),
  more_before: z.boolean(),
  more_after: z.boolean(),
});

/** The reactions to a message, as they are after the change. */
export const ReactionsChanged = z.strictObject({ status: z.literal('ok'), reactions: ReactionsView });

/** Users who reacted to a message with an emoji, in ascending order of their ids; `count` is how many they all are. */
export const Reactors = z.strictObject({ users: z.array(Author).max(PAGE_ROWS_MAX), count: z.int().min(0) });

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

/** The caller's own profile. */
export const OwnUserView = UserView.extend({
  /** Whether other members are shown how far the user has read. */
  read_receipts: z.boolean(),
});

export const UserUpdated = z.strictObject({ status: z.literal('ok'), user: OwnUserView });

export const GroupUpdated = z.strictObject({ status: z.literal('ok'), group: GroupInfo });

export const ChatRead = z.strictObject({ status: z.literal('ok'), read_id: z.int().min(0) });

/** Members who let others know how far they read, and the caller, in the order of their ids. */
export const ChatReaders = z.strictObject({
  users: z.array(z.strictObject({ id: Id, name: Name, read_id: z.int().min(0) })),
});

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
  /** What the caller has not read: messages of others that were not deleted. At most UNREAD_MAX are counted. */
  unread: z.int().min(0).max(UNREAD_MAX),
  /** There are more than that. */
  more: z.literal(true).optional(),
  /** How many of them mention the caller. */
  mentions: z.int().min(0).max(UNREAD_MAX),
  /** Messages with a higher id are unread. */
  read_id: z.int().min(0),
});

/** As many chats as `limit` asks for; without it, all chats of the caller. */
export const ChatList = z.strictObject({ rooms: z.array(Room) });
