import { z } from 'zod';
import { Id } from '../chat/ids.js';
import { ClientId, TEXT_CHARACTERS_MAX } from '../chat/text.js';
import {
  AuthFrame,
  DeletedFrame,
  DeleteFrame,
  DuplicateFrame,
  EditedFrame,
  ErrorFrame,
  editFrame,
  LastMessageFrame,
  messageFrame,
  PingFrame,
  PongFrame,
  ReactFrame,
  ReactionFrame,
  ReactionsFrame,
  ReadSignal,
  SeenFrame,
  StopTypingFrame,
  TypingFrame,
  TypingSignal,
} from './frames.js';
import { GroupInfo, MessagesAt, MessageView, Room, TombstoneView, UserView } from './responses.js';

// Frames that the server sends to main sockets. They are strict: nothing is sent that they do not name.

/** How much happened that one page has. */
export const CHANGES_MAX = 500;
/** A chat in which more happened since the cursor comes as its newest page instead. */
export const CHANGES_PER_CHAT_MAX = 200;
/** How many messages a chat's newest page has. */
export const NEWEST_MESSAGES_MAX = 50;

/** Where a client may resume. It is not to be read. */
const Cursor = z.string().regex(/^c1-[0-9a-z]+(?:-[0-9a-z]+)?$/);
/** The user is in the chat since, and gets its newest messages. */
const AddedFrame = z.strictObject({
  id: Id,
  type: z.literal('added'),
  initial: z.literal(true),
  chat: Room,
  messages: z.array(z.union([MessageView, TombstoneView])).max(NEWEST_MESSAGES_MAX),
  /** Older messages exist. */
  more: z.boolean(),
});
/** Too much happened in the chat. What the client kept of it before the message `before` may be old. */
const LimitedFrame = z.strictObject({
  id: Id,
  type: z.literal('limited'),
  chat_id: Id,
  before: z.int().min(0),
  chat: Room,
  messages: z.array(z.union([MessageView, TombstoneView])).max(NEWEST_MESSAGES_MAX),
});
/** The user is not in the chat any more, or it is deleted. */
const RemovedFrame = z.strictObject({ id: Id, type: z.literal('removed'), chat_id: Id });
/** A group has another name, description, photo or other members. */
const ChatChangedFrame = z.strictObject({
  id: Id,
  type: z.literal('chat'),
  chat: GroupInfo.omit({ photo_url: true }).extend({ type: z.literal('group') }),
});
/** The user's own profile changed, or that of the other user of the private chat `chat_id`, who gives it its name. */
const ProfileFrame = z.strictObject({
  id: Id,
  type: z.literal('profile'),
  chat_id: Id.optional(),
  user: UserView.omit({ photo_url: true }),
});
const Happened = z.union([
  MessageView,
  TombstoneView,
  EditedFrame,
  DeletedFrame,
  ReactionFrame,
  ReactionsFrame,
  AddedFrame,
  LimitedFrame,
  RemovedFrame,
  ChatChangedFrame,
  ProfileFrame,
]);
/** What happened in the user's chats, in the order of ids, and the cursor after it. `more`: another page follows. */
export const ChangesFrame = z.strictObject({
  type: z.literal('changes'),
  changes: z.array(Happened).max(CHANGES_MAX),
  cursor: Cursor,
  more: z.literal(true).optional(),
});
/** Everything up to the cursor has been sent. */
export const CursorFrame = z.strictObject({ type: z.literal('cursor'), cursor: Cursor });
/**
 * What is unread in some chats. With `total_unread` the list is whole: nothing is unread in chats that it does not have.
 */
export const UnreadFrame = z.strictObject({
  type: z.literal('unread'),
  chats: z.array(
    Room.pick({ unread: true, more: true, mentions: true, read_id: true }).extend({ chat_id: Id }),
  ),
  total_unread: z.int().min(0).optional(),
  more: z.literal(true).optional(),
});

/** The answer to a question for the history of a chat, as GET /chat/{id}/messages has it. */
const ChatHistoryFrame = MessagesAt.extend({
  type: z.literal('history'),
  chat_id: Id,
  client_id: ClientId.optional(),
});

/** Every frame that a main socket is sent. Only `last_message` comes to those that do not ask for changes. */
export const MainServerFrame = z.union([
  LastMessageFrame,
  ChangesFrame,
  CursorFrame,
  UnreadFrame,
  ChatHistoryFrame,
  Happened,
  TypingFrame,
  StopTypingFrame,
  SeenFrame,
  DuplicateFrame,
  ErrorFrame,
  PongFrame,
]);

// Frames that main sockets take.

/** Asks for messages of a chat: the newest, or those at the place of an id. */
export const HistoryRequest = z
  .object({
    type: z.literal('history'),
    chat_id: Id,
    before: Id.optional(),
    after: z.int({ error: 'must be an id, or 0' }).min(0, { error: 'must be an id, or 0' }).optional(),
    around: Id.optional(),
    limit: z
      .int({ error: 'must be a non-negative integer' })
      .min(0, { error: 'must be a non-negative integer' })
      .optional(),
    client_id: ClientId.optional(),
  })
  .refine(
    ({ before, after, around }) => [before, after, around].filter((at) => at !== undefined).length <= 1,
    {
      error: 'must have one of before, after and around',
    },
  );
export type HistoryRequest = z.infer<typeof HistoryRequest>;

/** What frames of a main socket have beside those of a chat's socket. */
export const InChat = z.object({ chat_id: Id });

/** Every frame that a main socket takes. Those that name a chat are taken from sockets that ask for changes. */
export const MainClientFrame = z.union([
  AuthFrame,
  PingFrame,
  messageFrame(TEXT_CHARACTERS_MAX).extend(InChat.shape),
  editFrame(TEXT_CHARACTERS_MAX).extend(InChat.shape),
  DeleteFrame.extend(InChat.shape),
  ReactFrame.extend(InChat.shape),
  ReadSignal.extend(InChat.shape),
  TypingSignal.extend(InChat.shape),
  HistoryRequest,
]);
