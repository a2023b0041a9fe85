import { z } from 'zod';
import { Emoji } from '../chat/emoji.js';
import { ERROR_CODES } from '../chat/errors.js';
import { Id } from '../chat/ids.js';
import { Mentions } from '../chat/messages.js';
import { ClientId, TEXT_CHARACTERS_MAX, utterance } from '../chat/text.js';
import { Details, Sentence } from './refusal.js';
import { Author, ChatType, MessageView, ReactionsView, Time, TombstoneView } from './responses.js';

/** A client's frame over this many bytes is answered with close code 1009 … */
export const FRAME_BYTES_MAX = 60 * 1024;
/** … and over this many the engine cuts the connection. */
export const ENGINE_FRAME_BYTES_MAX = 64 * 1024;
/** The most bytes of a history frame. */
export const HISTORY_BYTES_MAX = 256 * 1024;
/** The most messages of a history frame. */
export const HISTORY_MESSAGES_MAX = 1000;
/** A longer token is no valid one. */
export const TOKEN_CHARACTERS_MAX = 12 * 1024;

// Frames that the server sends. They are strict: nothing is sent that they do not name.

// Changes of messages, for sockets that ask for them. A change is an entry of the log: `id` is its own, and `message_id`
// is that of the message. `author` is who made it.

const Change = z.strictObject({ id: Id, message_id: Id, chat_id: Id, author: Author, time: Time });
const Named = { client_id: ClientId.optional() };
/** `duplicate`: the answer to a change that was made already, on the asking socket only. */
const Answer = { duplicate: z.literal(true).optional() };

/**
 * A message has a new text. In history it also says when it was edited, as `id` and `time` are those of the message's newest
 * change, and has the reactions as they are now.
 */
export const EditedFrame = Change.extend({
  type: z.literal('edited'),
  text: utterance(TEXT_CHARACTERS_MAX),
  version: z.int().min(1),
  edited_at: Time.optional(),
  reactions: ReactionsView.optional(),
  ...Named,
  ...Answer,
});
export const DeletedFrame = Change.extend({ type: z.literal('deleted'), ...Named, ...Answer });
/** `author` reacted to a message, or took that back; `count` users have reacted with the emoji now. */
export const ReactionFrame = Change.extend({
  type: z.literal('reaction'),
  emoji: Emoji,
  count: z.int().min(0),
  on: z.boolean(),
  ...Named,
  ...Answer,
});
/** All reactions to a message of before, as they are now. */
export const ReactionsFrame = Change.omit({ author: true }).extend({
  type: z.literal('reactions'),
  reactions: ReactionsView,
});

/** The highest id that a user has read; 0 when there is none. */
const ReadId = z.int().min(0);
/** How far the user has read the chat, on any device. It never moves back. */
export const ReadFrame = z.strictObject({ type: z.literal('read'), chat_id: Id, read_id: ReadId });
/** Members have read so far. It comes in chats of at most TYPING_MEMBERS_MAX members, not of those who turned it off. */
export const SeenFrame = z.strictObject({
  type: z.literal('seen'),
  chat_id: Id,
  users: z.array(z.strictObject({ id: Id, read_id: ReadId })).min(1),
});

/**
 * What a history frame has, in the order of ids. A message of before that changed is there once, as it is now, under the id
 * of its newest change.
 */
export const HistoryEntry = z.union([MessageView, TombstoneView, EditedFrame, DeletedFrame, ReactionsFrame]);

/** A page of a chat, oldest first. `more`: another history frame follows, or older messages did not fit. */
const HistoryPage = z.strictObject({
  type: z.literal('history'),
  messages: z.array(HistoryEntry).min(1).max(HISTORY_MESSAGES_MAX),
  more: z.literal(true).optional(),
  read_id: ReadId.optional(),
});
const EmptyHistory = z.strictObject({
  type: z.literal('history'),
  messages: z.array(MessageView).max(0),
  error: z.literal('no messages'),
  read_id: ReadId.optional(),
});

export const HistoryFrame = z.union([HistoryPage, EmptyHistory]);

/** A live message is the same as one in history. For its author it is the acknowledgement. */
export const LiveMessageFrame = MessageView;
/** The answer to a `client_id` that was used before: the first message, on the asking socket only. */
export const DuplicateFrame = MessageView.extend({ duplicate: z.literal(true) });
/** Tells a main socket of a new message in one of the user's chats. */
export const LastMessageFrame = MessageView.extend({ type: z.literal('last_message'), chat_type: ChatType });

export const TypingFrame = z.strictObject({ type: z.literal('typing'), chat_id: Id, author: Author });
export const StopTypingFrame = TypingFrame.extend({ type: z.literal('stop_typing') });

/** The refusal of one frame; the socket stays open. `client_id` is the refused frame's, valid or not. */
export const ErrorFrame = z.strictObject({
  type: z.literal('error'),
  code: z.enum(ERROR_CODES),
  error: Sentence,
  details: Details.optional(),
  client_id: z.string().max(FRAME_BYTES_MAX).optional(),
});
export type ErrorFrame = z.input<typeof ErrorFrame>;

/** What a client tells the answer to its ping by. */
const PingId = z.union([ClientId, z.int()], {
  error: 'must be a text of 1 to 64 characters or a whole number',
});
/** The answer to a ping. It has the `id` of the ping, where that had one. */
export const PongFrame = z.strictObject({ type: z.literal('pong'), id: PingId.optional() });
export type PongFrame = z.input<typeof PongFrame>;

/** Every frame that a chat's socket is sent. Changes and tombstones come only to those that ask for them. */
export const ChatServerFrame = z.union([
  LiveMessageFrame,
  TombstoneView,
  EditedFrame,
  DeletedFrame,
  ReactionFrame,
  ReactionsFrame,
  ReadFrame,
  SeenFrame,
  HistoryFrame,
  DuplicateFrame,
  TypingFrame,
  StopTypingFrame,
  ErrorFrame,
  PongFrame,
]);

// Frames that clients send. Fields that they do not name are ignored: an `author`, for one, since the token says who
// speaks.

/** A message to the chat. The setting TEXT_CHARACTERS_MAX bounds its text. */
export function messageFrame(textCharactersMax: number) {
  return z.object({
    type: z.literal('message'),
    text: utterance(textCharactersMax),
    client_id: ClientId.optional(),
    reply_to: Id.optional(),
    mentions: Mentions.optional(),
  });
}

export type MessageFrame = z.infer<ReturnType<typeof messageFrame>>;

// Frames of sockets that ask for changes.

/** A new text for a message of the user's own. */
export function editFrame(textCharactersMax: number) {
  return z.object({
    type: z.literal('edit'),
    message_id: Id,
    text: utterance(textCharactersMax),
    client_id: ClientId.optional(),
  });
}
/** Deletes a message of the user's own; the owner of a group may delete those of others. */
export const DeleteFrame = z.object({
  type: z.literal('delete'),
  message_id: Id,
  client_id: ClientId.optional(),
});
/** Reacts to a message, or takes that back when `on` is false. */
export const ReactFrame = z.object({
  type: z.literal('react'),
  message_id: Id,
  emoji: Emoji,
  on: z.boolean({ error: 'must be true or false' }).default(true),
  client_id: ClientId.optional(),
});

/** The user began to type, or goes on, or stopped. */
export const TypingSignal = z.object({ type: z.enum(['typing', 'stop_typing']) });
export type TypingSignal = z.infer<typeof TypingSignal>;

/** A newer token of the same user, which keeps the socket open until that expires. */
export const AuthFrame = z.object({
  type: z.literal('auth'),
  token: z.string().meta({ maxLength: TOKEN_CHARACTERS_MAX, description: 'A JSON Web Token.' }),
});

/** Asks whether the server is there. A browser's page can neither send nor see a ping of the protocol itself. */
export const PingFrame = z.object({ type: z.literal('ping'), id: PingId.optional() });
export type PingFrame = z.infer<typeof PingFrame>;

/** The user has read the chat up to this id. */
export const ReadSignal = z.object({ type: z.literal('read'), id: Id });

export type ChangeFrame =
  | z.infer<ReturnType<typeof editFrame>>
  | z.infer<typeof DeleteFrame>
  | z.infer<typeof ReactFrame>;

/** Every frame that a chat's socket takes. Changes are taken from sockets that ask for them. */
export const ChatClientFrame = z.union([
  messageFrame(TEXT_CHARACTERS_MAX),
  editFrame(TEXT_CHARACTERS_MAX),
  DeleteFrame,
  ReactFrame,
  ReadSignal,
  TypingSignal,
  AuthFrame,
  PingFrame,
]);
