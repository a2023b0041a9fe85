/** One limit on what users and addresses may take. */
interface LimitDefinition {
  /** The environment variable that sets it. */
  readonly setting: string;
  readonly default: number;
  /** What is held to the limit, and what happens to what is over it. */
  readonly meaning: string;
  /** Names that refusals have in `details.limit` and are counted by; none where nothing is refused. */
  readonly names: readonly string[];
}

/**
 * Every limit, by its name in `Limits`. The settings, their defaults and the refusals' names come from here, and a test
 * holds the table of docs/settings.md to it. 0 turns a limit off.
 */
export const LIMITS = {
  socketsMax: {
    setting: 'SOCKETS_MAX',
    default: 0,
    meaning: 'Open sockets of the whole server. More are refused with `too_many_sockets` (429, 4429).',
    names: ['sockets'],
  },
  socketsPerUserMax: {
    setting: 'SOCKETS_PER_USER_MAX',
    default: 1000,
    meaning: 'Open sockets of one user. More are refused with `too_many_sockets` (429, 4429).',
    names: ['sockets_per_user'],
  },
  socketsPerAddressMax: {
    setting: 'SOCKETS_PER_ADDRESS_MAX',
    default: 5000,
    meaning:
      'Open sockets of one client address; an IPv6 address counts as its /64. More are refused with `too_many_sockets` (429, 4429).',
    names: ['sockets_per_address'],
  },
  failedLoginsPerMinutePerAddressMax: {
    setting: 'FAILED_LOGINS_PER_MINUTE_PER_ADDRESS_MAX',
    default: 300,
    meaning:
      'Tokens from one client address that were not valid. More are answered with `rate_limited` (429) instead of 401, for a minute; valid tokens pass all the same.',
    names: ['failed_logins'],
  },
  requestsPerSecondPerUserMax: {
    setting: 'REQUESTS_PER_SECOND_PER_USER_MAX',
    default: 200,
    meaning:
      'HTTP requests of one user. A request that touches a list counts as one more for each 100 of its entries. More are refused with `rate_limited` (429).',
    names: ['requests', 'upgrades'],
  },
  messagesPerSecondPerUserMax: {
    setting: 'MESSAGES_PER_SECOND_PER_USER_MAX',
    default: 20,
    meaning:
      'Messages of one user in all chats, repeats included; five times as many at once. Edits, deletions and reactions count as messages. More are refused with an error frame `rate_limited`, over HTTP with 429. The socket of a user who goes on sending is closed with 4429.',
    names: ['messages', 'frames'],
  },
  typingPerSecondPerUserMax: {
    setting: 'TYPING_PER_SECOND_PER_USER_MAX',
    default: 2,
    meaning: 'Typing frames of one user. More are dropped.',
    names: ['typing'],
  },
  uploadsPerMinutePerUserMax: {
    setting: 'UPLOADS_PER_MINUTE_PER_USER_MAX',
    default: 30,
    meaning:
      'Multipart requests of one user, with a photo or without. More are refused with `rate_limited` (429).',
    names: ['uploads'],
  },
  groupMembersMax: {
    setting: 'GROUP_MEMBERS_MAX',
    default: 10_000,
    meaning: 'Members of one group, its owner included. More are refused with `group_too_large` (400).',
    names: ['group_members'],
  },
  editSecondsMax: {
    setting: 'EDIT_SECONDS_MAX',
    default: 0,
    meaning:
      'How long after it was sent a message may be edited. Later edits are refused with `edit_too_late` (403). Deleting is always possible.',
    names: [],
  },
  typingMembersMax: {
    setting: 'TYPING_MEMBERS_MAX',
    default: 100,
    meaning: 'Typing is not passed on in groups with more members, and nobody is shown there who has read.',
    names: [],
  },
} as const satisfies Record<string, LimitDefinition>;

/** How many seconds' worth of messages a user may send at once after a silence. */
export const MESSAGES_BURST_SECONDS = 5;

/** The limits in force. 0: no limit. */
export type Limits = { readonly [K in keyof typeof LIMITS]: number };
export type LimitSetting = (typeof LIMITS)[keyof Limits]['setting'];

/** Names the limit in the `details.limit` of a refusal, and in the count of refusals. */
export type LimitName = (typeof LIMITS)[keyof Limits]['names'][number];
export const LIMIT_NAMES: readonly LimitName[] = Object.values(LIMITS).flatMap(({ names }) => [...names]);

/** Makes something for the setting of each limit. */
export function perSetting<T>(make: (limit: LimitDefinition) => T): Readonly<Record<LimitSetting, T>> {
  const entries = Object.values(LIMITS).map((limit) => [limit.setting, make(limit)]);
  return Object.fromEntries(entries) as Record<LimitSetting, T>;
}

/** The limits that settings with these values stand for. */
export function limitsOf(settings: Readonly<Record<LimitSetting, number>>): Limits {
  const entries = Object.entries(LIMITS).map(([name, { setting }]) => [name, settings[setting]]);
  return Object.fromEntries(entries) as Limits;
}

export const UNLIMITED: Limits = limitsOf(perSetting(() => 0));

/** The settings that turn every limit off, for measurements of everything else. */
export const LIMITS_OFF = perSetting(() => '0');
