import { expect, it } from 'vitest';
import { closeCodeOf, statusOf, upgradeStatusOf } from '../../src/api/status.js';
import { ERROR_CODES, type ErrorCode } from '../../src/chat/errors.js';

/** What the contract says of each refusal: the status of an answer, of a refused upgrade, and the close code. */
// biome-ignore format: a table
const CONTRACT: Readonly<Record<ErrorCode, readonly [status: number, upgrade: number, close: number]>> = {
  after_unknown:          [400, 400, 4400],
  history_changed:        [409, 409, 4409],
  already_member:         [409, 409, 4400],
  bad_request:            [400, 400, 4400],
  chat_not_found:         [404, 404, 4404],
  chats_not_found:        [404, 404, 4404],
  edit_too_late:          [403, 403, 4403],
  group_not_found:        [404, 404, 4404],
  group_too_large:        [400, 400, 4400],
  internal:               [500, 500, 1011],
  invalid_field:          [400, 400, 4400],
  invalid_frame:          [400, 400, 4400],
  invalid_id:             [400, 400, 4400],
  invalid_json:           [400, 400, 4400],
  invalid_multipart:      [400, 400, 4400],
  invalid_query:          [400, 400, 4400],
  message_not_found:      [404, 404, 4404],
  method_not_allowed:     [405, 405, 4400],
  not_a_member:           [409, 409, 4400],
  not_author:             [403, 403, 4403],
  not_found:              [404, 404, 4404],
  not_owner:              [403, 403, 4403],
  origin_not_allowed:     [403, 403, 4403],
  overloaded:             [503, 503, 4503],
  owner_stays:            [400, 400, 4400],
  photo_heic_unsupported: [400, 400, 4400],
  photo_invalid:          [400, 400, 4400],
  photo_not_found:        [404, 404, 4404],
  profile_required:       [400, 403, 4403],
  rate_limited:           [429, 429, 4429],
  reply_unknown:          [400, 400, 4400],
  self_chat:              [400, 400, 4400],
  storage_full:           [503, 503, 4503],
  storage_low:            [507, 507, 4503],
  timeout:                [503, 503, 4503],
  too_large:              [413, 413, 1009],
  too_many_bad_frames:    [400, 400, 1008],
  too_many_reactions:     [400, 400, 4400],
  too_many_sockets:       [429, 429, 4429],
  unauthorized:           [401, 401, 4401],
  unavailable:            [503, 503, 4503],
  unknown_type:           [400, 400, 4400],
  unsupported_media_type: [415, 415, 4400],
  upgrade_required:       [426, 426, 4400],
  user_exists:            [400, 400, 4400],
  user_not_found:         [404, 404, 4404],
  user_unknown:           [400, 400, 4400],
  username_taken:         [400, 400, 4400],
};

it('every error code has a line', () => {
  expect(Object.keys(CONTRACT).sort()).toEqual([...ERROR_CODES].sort());
});

it.each(Object.entries(CONTRACT) as [ErrorCode, readonly number[]][])('%s is %j', (code, expected) => {
  expect([statusOf(code), upgradeStatusOf(code), closeCodeOf(code)]).toEqual(expected);
});
