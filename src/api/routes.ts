import { GroupChanges, MemberList, NewGroup } from '../chat/groups.js';
import { ReadMarker } from '../chat/messages.js';
import { TEXT_CHARACTERS_MAX } from '../chat/text.js';
import { NewProfile, ProfileChanges } from '../chat/users.js';
import { ChatClientFrame, ChatServerFrame } from './frames.js';
import { MainClientFrame, MainServerFrame } from './main-frames.js';
import { messageRoutes } from './message-routes.js';
import { BASE, type Channel, type Operation } from './operation.js';
import { ChatsNotFound } from './refusal.js';
import {
  ChatInfo,
  ChatList,
  ChatOpened,
  ChatRead,
  ChatReaders,
  GroupCreated,
  GroupInfo,
  GroupUpdated,
  GroupUsers,
  MembersAdded,
  MembersRemoved,
  Ok,
  OwnUserView,
  UserUpdated,
  UserView,
} from './responses.js';

export { BASE };

/** Every HTTP endpoint of the API, by name. A setting may bound texts further. */
export const routes = {
  createUser: {
    method: 'POST',
    path: `${BASE}/user`,
    summary: "Create the caller's profile",
    body: NewProfile,
    photo: true,
    response: Ok,
    errors: ['user_exists', 'username_taken'],
  },
  updateUser: {
    method: 'PATCH',
    path: `${BASE}/user`,
    summary: "Change the caller's profile",
    body: ProfileChanges,
    photo: true,
    response: UserUpdated,
    errors: ['profile_required', 'username_taken'],
  },
  getMe: {
    method: 'GET',
    path: `${BASE}/user`,
    summary: "The caller's profile",
    response: OwnUserView,
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
    image: true,
    errors: ['user_not_found'],
  },
  openChat: {
    method: 'POST',
    path: `${BASE}/chat/{id}`,
    summary: 'Open the private chat with a user, or find it',
    response: ChatOpened,
    errors: ['profile_required', 'self_chat', 'user_unknown'],
  },
  getChatInfo: {
    method: 'GET',
    path: `${BASE}/chat/{id}/info`,
    summary: 'A private chat of the caller',
    response: ChatInfo,
    errors: ['chat_not_found'],
  },
  readChat: {
    method: 'POST',
    path: `${BASE}/chat/{id}/read`,
    summary: 'Say how far the caller has read a private chat',
    body: ReadMarker,
    response: ChatRead,
    errors: ['profile_required', 'chat_not_found', 'message_not_found'],
  },
  getChatReaders: {
    method: 'GET',
    path: `${BASE}/chat/{id}/read`,
    summary: 'How far the users of a private chat have read',
    response: ChatReaders,
    errors: ['chat_not_found'],
  },
  readGroup: {
    method: 'POST',
    path: `${BASE}/group/{id}/read`,
    summary: 'Say how far the caller has read a group',
    body: ReadMarker,
    response: ChatRead,
    errors: ['profile_required', 'group_not_found', 'message_not_found'],
  },
  getGroupReaders: {
    method: 'GET',
    path: `${BASE}/group/{id}/read`,
    summary: 'How far the members of a small group have read',
    response: ChatReaders,
    errors: ['group_not_found'],
  },
  createGroup: {
    method: 'POST',
    path: `${BASE}/group`,
    summary: 'Create a group that the caller owns',
    body: NewGroup,
    photo: true,
    response: GroupCreated,
    errors: ['profile_required', 'user_unknown', 'group_too_large'],
  },
  updateGroup: {
    method: 'PATCH',
    path: `${BASE}/group/{id}`,
    summary: "Change a group's name, description or photo, for its owner",
    body: GroupChanges,
    photo: true,
    response: GroupUpdated,
    errors: ['profile_required', 'group_not_found', 'not_owner'],
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
    response: GroupInfo,
    errors: ['group_not_found'],
  },
  getGroupUsers: {
    method: 'GET',
    path: `${BASE}/group/{id}/users`,
    summary: 'The members of a group of the caller',
    response: GroupUsers,
    errors: ['group_not_found'],
  },
  getGroupPhoto: {
    method: 'GET',
    path: `${BASE}/group/{id}/photo`,
    summary: "A group's photo",
    image: true,
    errors: ['group_not_found'],
  },
  addMembers: {
    method: 'POST',
    path: `${BASE}/group/{id}/add`,
    summary: 'Add users to a group, for its owner',
    body: MemberList,
    ifNeeded: true,
    response: Ok.or(MembersAdded),
    errors: [
      'profile_required',
      'group_not_found',
      'not_owner',
      'user_unknown',
      'already_member',
      'group_too_large',
    ],
  },
  removeMembers: {
    method: 'DELETE',
    path: `${BASE}/group/{id}/delete`,
    summary: 'Take users out of a group, for its owner',
    body: MemberList,
    usersInQuery: true,
    ifNeeded: true,
    response: Ok.or(MembersRemoved),
    errors: ['profile_required', 'group_not_found', 'not_owner', 'owner_stays', 'not_a_member'],
  },
  listChats: {
    method: 'GET',
    path: `${BASE}/chats`,
    summary: "The caller's chats, newest message first",
    paged: true,
    response: ChatList,
    errors: ['chats_not_found'],
    refusals: { chats_not_found: { fields: { rooms: [] }, schema: ChatsNotFound } },
  },
  ...messageRoutes(TEXT_CHARACTERS_MAX),
} as const satisfies Record<string, Operation>;

export type RouteName = keyof typeof routes;

/** Every WebSocket endpoint. */
export const channels = [
  {
    path: `${BASE}/chat/{id}`,
    summary: 'A private chat: history, then live',
    of: 'private',
    sends: ChatServerFrame,
    takes: ChatClientFrame,
    errors: ['chat_not_found'],
  },
  {
    path: `${BASE}/group/{id}`,
    summary: 'A group: history, then live',
    of: 'group',
    sends: ChatServerFrame,
    takes: ChatClientFrame,
    errors: ['group_not_found'],
  },
  {
    path: `${BASE}/main`,
    summary: "The newest messages of all the caller's chats",
    of: 'main',
    sends: MainServerFrame,
    takes: MainClientFrame,
    errors: [],
  },
] as const satisfies readonly Channel[];
