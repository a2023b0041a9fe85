import { z } from 'zod';
import { GroupChanges, MemberList, NewGroup } from '../chat/groups.js';
import { Id } from '../chat/ids.js';
import { NewProfile, ProfileChanges } from '../chat/users.js';
import type { Channel, Operation } from './operation.js';

export const BASE = '/api/v1';

const Photo = z.string().nullable();
const Author = z.strictObject({ id: Id, name: z.string() });
const Ok = z.strictObject({ status: z.literal('ok') });

export const MessageView = z.strictObject({
  id: Id,
  chat_id: Id,
  type: z.literal('message'),
  text: z.string(),
  author: Author,
  time: z.iso.datetime({ precision: 3 }),
  client_id: z.string().optional(),
});
const UserView = z.strictObject({
  id: Id,
  name: z.string(),
  username: z.string(),
  description: z.string(),
  photo: Photo,
});
const GroupView = z.strictObject({
  id: Id,
  name: z.string(),
  description: z.string(),
  photo: Photo,
  owner_id: Id,
  users_count: z.number().int().positive(),
});
const Room = z.strictObject({
  id: Id,
  name: z.string(),
  type: z.enum(['private', 'group']),
  last_message: MessageView.nullable(),
});

/** Every HTTP endpoint of the API, by name. */
export const routes = {
  createUser: {
    method: 'POST',
    path: `${BASE}/user`,
    summary: "Create the caller's profile",
    body: NewProfile,
    photo: true,
    response: Ok,
    errors: ['user_exists', 'username_taken', 'photo_invalid', 'too_large', 'rate_limited', 'storage_low'],
  },
  updateUser: {
    method: 'PATCH',
    path: `${BASE}/user`,
    summary: "Change the caller's profile",
    body: ProfileChanges,
    photo: true,
    response: z.strictObject({ status: z.literal('ok'), user: UserView }),
    errors: [
      'profile_required',
      'username_taken',
      'photo_invalid',
      'too_large',
      'rate_limited',
      'storage_low',
    ],
  },
  getMe: {
    method: 'GET',
    path: `${BASE}/user`,
    summary: "The caller's profile",
    response: UserView,
    errors: ['user_not_found'],
  },
  getUser: {
    method: 'GET',
    path: `${BASE}/user/{id}`,
    summary: 'A profile',
    response: UserView,
    errors: ['user_not_found'],
  },
  getUserPhoto: {
    method: 'GET',
    path: `${BASE}/user/{id}/photo`,
    summary: "A user's photo",
    errors: ['user_not_found', 'photo_not_found'],
  },
  openChat: {
    method: 'POST',
    path: `${BASE}/chat/{id}`,
    summary: 'Open the private chat with a user, or find it',
    response: z.strictObject({ status: z.literal('ok'), chat: z.strictObject({ id: Id }) }),
    errors: ['profile_required', 'self_chat', 'user_unknown'],
  },
  getChatInfo: {
    method: 'GET',
    path: `${BASE}/chat/{id}/info`,
    summary: 'A private chat of the caller',
    response: z.strictObject({
      id: Id,
      type: z.literal('private'),
      name: z.string(),
      users: z.array(Author).length(2),
      last_message: MessageView.nullable(),
    }),
    errors: ['chat_not_found'],
  },
  createGroup: {
    method: 'POST',
    path: `${BASE}/group`,
    summary: 'Create a group that the caller owns',
    body: NewGroup,
    photo: true,
    response: z.strictObject({
      status: z.literal('ok'),
      group: z.strictObject({ id: Id, name: z.string() }),
    }),
    errors: [
      'profile_required',
      'user_unknown',
      'group_too_large',
      'photo_invalid',
      'too_large',
      'rate_limited',
      'storage_low',
    ],
  },
  updateGroup: {
    method: 'PATCH',
    path: `${BASE}/group/{id}`,
    summary: "Change a group's name, description or photo, for its owner",
    body: GroupChanges,
    photo: true,
    response: z.strictObject({ status: z.literal('ok'), group: GroupView }),
    errors: [
      'profile_required',
      'group_not_found',
      'not_owner',
      'photo_invalid',
      'too_large',
      'rate_limited',
      'storage_low',
    ],
  },
  deleteGroup: {
    method: 'DELETE',
    path: `${BASE}/group/{id}`,
    summary: 'Delete a group, for its owner',
    response: Ok,
    errors: ['profile_required', 'group_not_found', 'not_owner'],
  },
  getGroupInfo: {
    method: 'GET',
    path: `${BASE}/group/{id}/info`,
    summary: 'A group of the caller',
    response: GroupView,
    errors: ['group_not_found'],
  },
  getGroupUsers: {
    method: 'GET',
    path: `${BASE}/group/{id}/users`,
    summary: 'The members of a group of the caller',
    response: z.strictObject({
      users: z.array(z.strictObject({ id: Id, name: z.string(), role: z.enum(['owner', 'member']) })),
    }),
    errors: ['group_not_found'],
  },
  getGroupPhoto: {
    method: 'GET',
    path: `${BASE}/group/{id}/photo`,
    summary: "A group's photo",
    errors: ['group_not_found', 'photo_not_found'],
  },
  addMembers: {
    method: 'POST',
    path: `${BASE}/group/{id}/add`,
    summary: 'Add users to a group, for its owner',
    body: MemberList,
    response: Ok,
    errors: [
      'profile_required',
      'group_not_found',
      'not_owner',
      'user_unknown',
      'already_member',
      'group_too_large',
      'too_large',
    ],
  },
  removeMembers: {
    method: 'DELETE',
    path: `${BASE}/group/{id}/delete`,
    summary: 'Take users out of a group, for its owner',
    body: MemberList,
    usersInQuery: true,
    response: Ok,
    errors: ['profile_required', 'group_not_found', 'not_owner', 'owner_stays', 'not_a_member', 'too_large'],
  },
  listChats: {
    method: 'GET',
    path: `${BASE}/chats`,
    summary: "The caller's chats, newest message first",
    paged: true,
    response: z.strictObject({ rooms: z.array(Room) }),
    errors: ['chats_not_found'],
  },
} as const satisfies Record<string, Operation>;

export type RouteName = keyof typeof routes;

/** Every WebSocket endpoint. */
export const channels = [
  { path: `${BASE}/chat/{id}`, summary: 'A private chat: history, then live', of: 'private' },
  { path: `${BASE}/group/{id}`, summary: 'A group: history, then live', of: 'group' },
  { path: `${BASE}/main`, summary: "The newest messages of all the caller's chats", of: 'main' },
] as const satisfies readonly Channel[];
