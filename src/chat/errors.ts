import type { LimitName } from './limits.js';

/**
 * Every reason for which parley refuses something. The code is part of the wire contract; the sentence is for a person.
 * `api/status.ts` maps each code to its HTTP status and its WebSocket close code.
 */
const SENTENCES = {
  already_member: 'Some of these users are already in the group.',
  after_unknown:
    'The parameter after must be a cursor that the server gave, an id, or an id and the time of its message: <id>@<unix ms>.',
  bad_request: 'The request is not well-formed.',
  chat_not_found: 'There is no such chat.',
  chats_not_found: 'You have no chats yet.',
  edit_too_late: 'The message is too old to be edited.',
  group_not_found: 'There is no such group.',
  group_too_large: 'A group may not have so many members.',
  history_changed:
    'The history here does not have the message in "after"; forget what you kept, and read the history anew.',
  internal: 'Something went wrong on the server.',
  invalid_field: 'A field is missing or has a value that is not allowed.',
  invalid_frame: 'A frame must be a JSON object in a text frame.',
  invalid_id: 'An id must be a positive integer.',
  invalid_json: 'The body is not valid JSON.',
  invalid_multipart: 'The multipart body is not usable.',
  invalid_query: 'A query parameter has a value that is not allowed.',
  message_not_found: 'There is no such message, or it was deleted.',
  method_not_allowed: 'This path does not take this method.',
  not_a_member: 'Some of these users are not in the group.',
  not_author: 'Only the author of the message may do this.',
  not_found: 'There is nothing at this path.',
  not_owner: 'Only the owner of the group may do this.',
  origin_not_allowed: 'Pages of this origin may not use the server.',
  overloaded: 'The server is too busy to take this; try again in a moment.',
  owner_stays: 'The owner cannot be taken out of the group.',
  photo_heic_unsupported:
    'The photo is HEIC, which the server cannot read; convert it to JPEG, or let the phone take JPEG ("Most Compatible" on an iPhone).',
  photo_invalid:
    'The photo is not a PNG, JPEG, WebP, GIF or AVIF image that the server takes, or is damaged.',
  photo_not_found: 'There is no photo.',
  profile_required: 'Create your profile first: POST /api/v1/user.',
  rate_limited: 'Too much of this in a short time; wait before you try again.',
  reply_unknown: 'The message that this one answers is not in the chat, or was deleted.',
  self_chat: 'You cannot open a chat with yourself.',
  storage_full: 'The server has no space left to write; reading still works.',
  storage_low: 'The server has too little space left to take photos; everything else works.',
  timeout: 'The server did not finish in time; whether the change was made is not known.',
  too_large: 'The body is larger than the server takes.',
  too_many_bad_frames: 'Too many frames that could not be used.',
  too_many_reactions: 'The message has as many different emoji as it may have.',
  too_many_sockets: 'Too many connections are open; close some, or try again later.',
  unauthorized: 'A valid bearer token is required.',
  unavailable: 'The server is starting or stopping; try again in a moment.',
  unknown_type: 'The server does not know this type of frame.',
  unsupported_media_type: 'The body must be JSON or, where a photo is taken, multipart/form-data.',
  upgrade_required: 'This path speaks WebSocket.',
  user_exists: 'You have a profile already.',
  user_not_found: 'There is no such user.',
  user_unknown: 'Some of these users do not exist.',
  username_taken: 'This username is taken.',
} as const;

export type ErrorCode = keyof typeof SENTENCES;
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** The details of refusals that may be over soon: when to ask again. */
const TEMPORARY: { readonly [P in ErrorCode]?: ErrorDetails } = {
  overloaded: { retry_after_ms: 1000 },
  storage_full: { retry_after_ms: 1000 },
  storage_low: { retry_after_ms: 60_000 },
};

/** A refusal that the caller is told. Anything else that is thrown is logged, and the caller is told `internal`. */
export class ChatError extends Error {
  override readonly name = 'ChatError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails | undefined;

  constructor(
    code: ErrorCode,
    options: { details?: ErrorDetails | undefined; sentence?: string; cause?: unknown } = {},
  ) {
    super(options.sentence ?? SENTENCES[code], options);
    this.code = code;
    this.details = options.details ?? TEMPORARY[code];
  }
}

/** The refusal of a limit. It says which one it was, by which refusals are counted, and when to ask again. */
export function rateLimited(limit: LimitName, retryAfterMs: number, cause?: ChatError): ChatError {
  return new ChatError('rate_limited', { details: { limit, retry_after_ms: retryAfterMs }, cause });
}

export const ERROR_CODES = Object.keys(SENTENCES) as readonly ErrorCode[];
