import type { ErrorCode } from '../chat/errors.js';
import type { CloseCode } from './close-codes.js';

/**
 * The one table from an error to the wire: the HTTP status (also of a refused upgrade), and the close code of a
 * WebSocket. A browser cannot see the status of a refused upgrade, so its socket is opened and closed with the code.
 */
const WIRE: Readonly<Record<ErrorCode, readonly [status: number, close: CloseCode]>> = {
  after_unknown: [400, 4400],
  already_member: [409, 4400],
  bad_request: [400, 4400],
  chat_not_found: [404, 4404],
  chats_not_found: [404, 4404],
  edit_too_late: [403, 4403],
  group_not_found: [404, 4404],
  group_too_large: [400, 4400],
  history_changed: [409, 4409],
  internal: [500, 1011],
  invalid_field: [400, 4400],
  invalid_frame: [400, 4400],
  invalid_id: [400, 4400],
  invalid_json: [400, 4400],
  invalid_multipart: [400, 4400],
  invalid_query: [400, 4400],
  message_not_found: [404, 4404],
  method_not_allowed: [405, 4400],
  not_a_member: [409, 4400],
  not_author: [403, 4403],
  not_found: [404, 4404],
  not_owner: [403, 4403],
  origin_not_allowed: [403, 4403],
  overloaded: [503, 4503],
  owner_stays: [400, 4400],
  photo_heic_unsupported: [400, 4400],
  photo_invalid: [400, 4400],
  photo_not_found: [404, 4404],
  profile_required: [400, 4403],
  rate_limited: [429, 4429],
  reply_unknown: [400, 4400],
  self_chat: [400, 4400],
  storage_full: [503, 4503],
  storage_low: [507, 4503],
  timeout: [503, 4503],
  too_large: [413, 1009],
  too_many_bad_frames: [400, 1008],
  too_many_reactions: [400, 4400],
  too_many_sockets: [429, 4429],
  unauthorized: [401, 4401],
  unavailable: [503, 4503],
  unknown_type: [400, 4400],
  unsupported_media_type: [415, 4400],
  upgrade_required: [426, 4400],
  user_exists: [400, 4400],
  user_not_found: [404, 4404],
  user_unknown: [400, 4400],
  username_taken: [400, 4400],
};

/** The HTTP status of an error. */
export function statusOf(code: ErrorCode): number {
  return WIRE[code][0];
}

/** The status of a refused upgrade. Only a missing profile differs: a write gets 400, a WebSocket 403. */
export function upgradeStatusOf(code: ErrorCode): number {
  return code === 'profile_required' ? 403 : statusOf(code);
}

/** The close code of an error, for a WebSocket that is open. */
export function closeCodeOf(code: ErrorCode): CloseCode {
  return WIRE[code][1];
}

/** Close codes that are not the answer to an error. */
export const Close = {
  restart: 1012,
  removed: 4403,
  groupDeleted: 4410,
  flood: 4429,
  tooSlow: 4503,
} as const satisfies Record<string, CloseCode>;
