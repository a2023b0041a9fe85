import type { channels, RouteName } from '../../../src/api/routes.js';
import type { ErrorCode } from '../../../src/chat/errors.js';

/**
 * Who asks. `expired` and `revoked` are tokens of the owner, who could do anything with another. `removed` was a
 * member of the group; `former` owned a group that is deleted, and asks for that one.
 */
export const ROLES = [
  'nobody',
  'expired',
  'revoked',
  'profileless',
  'stranger',
  'removed',
  'former',
  'member',
  'owner',
] as const;
export type Role = (typeof ROLES)[number];

/** What the `{id}` of a path names. */
export type About = 'user' | 'chat' | 'group' | 'message' | 'none';

/** The status and, for a refusal, its code. */
export type Verdict = '200' | `${number} ${ErrorCode}`;

export interface Rule {
  readonly about: About;
  readonly verdicts: Readonly<Record<Role, Verdict>>;
  /** What the owner hears of an id that was never given; undefined where the path has none. */
  readonly unknown: Verdict | undefined;
}

/** A route without a line here fails the tests beside this file, and does not compile. */
// biome-ignore format: a table
export const RULES: Readonly<Record<RouteName, Rule>> = {
  //                           no profile               not in it                member             owner               an unknown id
  createUser:    rule('none',  '200',                  '400 user_exists',       '400 user_exists', '400 user_exists'),
  updateUser:    rule('none',  '400 profile_required', '200',                   '200',             '200'),
  getMe:         rule('none',  '404 user_not_found',   '200',                   '200',             '200'),
  getUser:       rule('user',  '200',                  '200',                   '200',             '200',             '404 user_not_found'),
  getUserPhoto:  rule('user',  '200',                  '200',                   '200',             '200',             '404 user_not_found'),
  openChat:      rule('user',  '400 profile_required', '200',                   '200',             '200',             '400 user_unknown'),
  getChatInfo:   rule('chat',  '404 chat_not_found',   '404 chat_not_found',    '200',             '200',             '404 chat_not_found'),
  readChat:      rule('chat',  '400 profile_required', '404 chat_not_found',    '200',             '200',             '404 chat_not_found'),
  getChatReaders: rule('chat', '404 chat_not_found',   '404 chat_not_found',    '200',             '200',             '404 chat_not_found'),
  createGroup:   rule('none',  '400 profile_required', '200',                   '200',             '200'),
  updateGroup:   rule('group', '400 profile_required', '404 group_not_found',   '403 not_owner',   '200',             '404 group_not_found'),
  deleteGroup:   rule('group', '400 profile_required', '404 group_not_found',   '403 not_owner',   '200',             '404 group_not_found'),
  getGroupInfo:  rule('group', '404 group_not_found',  '404 group_not_found',   '200',             '200',             '404 group_not_found'),
  getGroupUsers: rule('group', '404 group_not_found',  '404 group_not_found',   '200',             '200',             '404 group_not_found'),
  getGroupPhoto: rule('group', '404 group_not_found',  '404 group_not_found',   '200',             '200',             '404 group_not_found'),
  readGroup:     rule('group', '400 profile_required', '404 group_not_found',   '200',             '200',             '404 group_not_found'),
  getGroupReaders: rule('group', '404 group_not_found', '404 group_not_found',  '200',             '200',             '404 group_not_found'),
  addMembers:    rule('group', '400 profile_required', '404 group_not_found',   '403 not_owner',   '200',             '404 group_not_found'),
  removeMembers: rule('group', '400 profile_required', '404 group_not_found',   '403 not_owner',   '200',             '404 group_not_found'),
  postChatMessage:  rule('chat',    '400 profile_required',  '404 chat_not_found',    '200',            '200', '404 chat_not_found'),
  postGroupMessage: rule('group',   '400 profile_required',  '404 group_not_found',   '200',            '200', '404 group_not_found'),
  getChatMessages:  rule('chat',    '404 chat_not_found',    '404 chat_not_found',    '200',            '200', '404 chat_not_found'),
  getGroupMessages: rule('group',   '404 group_not_found',   '404 group_not_found',   '200',            '200', '404 group_not_found'),
  // A message of the owner.
  getMessage:       rule('message', '404 message_not_found', '404 message_not_found', '200',            '200', '404 message_not_found'),
  editMessage:      rule('message', '400 profile_required',  '404 message_not_found', '403 not_author', '200', '404 message_not_found'),
  deleteMessage:    rule('message', '400 profile_required',  '404 message_not_found', '403 not_author', '200', '404 message_not_found'),
  addReaction:      rule('message', '400 profile_required',  '404 message_not_found', '200',            '200', '404 message_not_found'),
  removeReaction:   rule('message', '400 profile_required',  '404 message_not_found', '200',            '200', '404 message_not_found'),
  getReactors:      rule('message', '404 message_not_found', '404 message_not_found', '200',            '200', '404 message_not_found'),
  listChats:     rule('none',  '404 chats_not_found',  '404 chats_not_found',   '200',             '200'),
};

/** Throws for a route that was added without a rule. */
export function ruleOf(name: RouteName): Rule {
  const found: Rule | undefined = RULES[name];
  if (found === undefined) throw new Error(`the route ${name} has no rule`);
  return found;
}

type ChannelName = (typeof channels)[number]['of'];

/** What a client that sends headers hears, and what closes a `chat.v1` client. */
export interface Hearing {
  readonly status: '101' | `${number} ${ErrorCode}`;
  readonly close: 'open' | `${number} ${ErrorCode}`;
}

export interface ChannelRule {
  readonly about: About;
  readonly verdicts: Readonly<Record<Role, Hearing>>;
  readonly unknown: Hearing | undefined;
}

const OPEN: Hearing = { status: '101', close: 'open' };
const NO_TOKEN: Hearing = { status: '401 unauthorized', close: '4401 unauthorized' };
const NO_PROFILE: Hearing = { status: '403 profile_required', close: '4403 profile_required' };
const NO_CHAT: Hearing = { status: '404 chat_not_found', close: '4404 chat_not_found' };
const NO_GROUP: Hearing = { status: '404 group_not_found', close: '4404 group_not_found' };

// biome-ignore format: a table
export const CHANNEL_RULES: Readonly<Record<ChannelName, ChannelRule>> = {
  //                             not in it            an unknown id
  private: channelRule('chat',  NO_CHAT,             NO_CHAT),
  group:   channelRule('group', NO_GROUP,            NO_GROUP),
  main:    channelRule('none',  OPEN,                undefined),
};

/** Whoever is not in it hears the same, be it that they never were, were removed, or that it is deleted. */
function rule(
  about: About,
  profileless: Verdict,
  outside: Verdict,
  member: Verdict,
  owner: Verdict,
  unknown?: Verdict,
): Rule {
  const verdicts = {
    nobody: '401 unauthorized',
    expired: '401 unauthorized',
    revoked: '401 unauthorized',
    profileless,
    stranger: outside,
    removed: outside,
    former: outside,
    member,
    owner,
  } as const;
  return { about, verdicts, unknown };
}

function channelRule(about: About, outside: Hearing, unknown: Hearing | undefined): ChannelRule {
  const verdicts = {
    nobody: NO_TOKEN,
    expired: NO_TOKEN,
    revoked: NO_TOKEN,
    profileless: NO_PROFILE,
    stranger: outside,
    removed: outside,
    former: outside,
    member: OPEN,
    owner: OPEN,
  };
  return { about, verdicts, unknown };
}
