import type { ChatReader } from '../checker/read-log.js';
import { Event } from '../history.js';
import type { Random } from '../random.js';
import type { RunContext } from '../run-context.js';
import { ApiUser } from './api-user.js';
import { ClientSocket, type SocketPolicy } from './client-socket.js';
import type { ChatAddress } from './connection.js';
import { Sender } from './sender.js';

/** A user who is removed from a group and added again, over and over, and who sends nothing. */
export interface Guest {
  readonly user: ApiUser;
  readonly groupId: number;
  readonly owner: ApiUser;
  readonly sockets: readonly ClientSocket[];
}

/** The users of a run, and what belongs to them. */
export interface Population {
  readonly sockets: readonly ClientSocket[];
  readonly senders: readonly Sender[];
  readonly guests: readonly Guest[];
  /** For each chat, by its id, how all of its history can be read. */
  readonly readers: ReadonlyMap<number, ChatReader>;
}

/** Resolves to a token for this user. */
export type Mint = (sub: string) => Promise<string>;

const GROUP_MEMBERS = 5;
const REQUESTS_AT_ONCE = 16;

/** Each socket gets a policy at random from its list, so a policy that stands there three times is met more often. */
const SENDER_POLICIES: readonly SocketPolicy[] = [
  { start: 'after' },
  { start: 'after' },
  { start: 'after' },
  { start: 'after', leaveAfterMs: 1500 },
  { start: 'after', leaveAfterMs: 4000 },
  { start: 100, leaveAfterMs: 5000 },
  { start: 3, leaveAfterMs: 2500 },
];
const LISTENER_POLICIES: readonly SocketPolicy[] = [
  { start: 'beginning', leaveAfterMs: 30_000 },
  { start: 'after', isSlow: true },
  { start: 'after', leaveAfterMs: 700 },
  { start: 1000, leaveAfterMs: 5000 },
  { start: 100, isSlow: true },
];
const MAIN_POLICIES: readonly SocketPolicy[] = [
  { start: 100 },
  { start: 100, leaveAfterMs: 4000 },
  { start: 'after', leaveAfterMs: 1500 },
  { start: 'after' },
  { start: 100, isSlow: true },
];
const GUEST_POLICIES: readonly SocketPolicy[] = [
  { start: 'after', view: 'full' },
  { start: 100, leaveAfterMs: 1000 },
];

/** This share of the members of a chat has a second socket there, which only listens. */
const LISTENERS_SHARE = 0.25;
const MAINS_SHARE = 0.4;
const RETRYING_SHARE = 0.85;
const EAGER_SHARE = 0.5;
/** This share of the sockets asks for changes of messages. */
const FULL_SHARE = 0.6;

/** Creates users, private chats, groups and their sockets. Nothing is connected yet. */
export async function populate(
  context: RunContext,
  options: { readonly users: number; readonly name: string; readonly mint: Mint; readonly random: Random },
): Promise<Population> {
  const users = await createUsers(context, options);
  const builder = new PopulationBuilder(context, options.random);
  await addPrivateChats(builder, users);
  await addGroups(builder, users, options.name);
  return builder;
}

class PopulationBuilder implements Population {
  readonly sockets: ClientSocket[] = [];
  readonly senders: Sender[] = [];
  readonly guests: Guest[] = [];
  readonly readers = new Map<number, ChatReader>();
  readonly context: RunContext;
  readonly random: Random;

  constructor(context: RunContext, random: Random) {
    this.context = context;
    this.random = random;
  }

  addSocket(user: ApiUser, chat: ChatAddress, policy: SocketPolicy): ClientSocket {
    const random = this.random.of(`socket ${this.sockets.length}`);
    const socket = new ClientSocket(this.context, user, chat, policy, random);
    this.sockets.push(socket);
    return socket;
  }

  /** Gives each of the members a sender in the chat, and some of them a second socket. */
  addMembers(chat: ChatAddress, members: readonly ApiUser[]): void {
    const { random, senders } = this;
    this.readers.set(chat.id, { path: chat.path, token: members[0]?.token ?? '' });
    for (const user of members) {
      const policy = { retries: random.chance(RETRYING_SHARE), isEager: random.chance(EAGER_SHARE) };
      const socket = this.addSocket(user, chat, this.pickPolicy(SENDER_POLICIES));
      const own = random.of(`sender ${senders.length}`);
      senders.push(new Sender(this.context, socket, senders.length, policy, own));
      if (random.chance(LISTENERS_SHARE)) this.addSocket(user, chat, this.pickPolicy(LISTENER_POLICIES));
    }
  }

  pickPolicy(policies: readonly SocketPolicy[]): SocketPolicy {
    const view = this.random.chance(FULL_SHARE) ? 'full' : 'plain';
    return { ...this.random.pick(policies), view };
  }

  /** Notes down in the history that the run has created a chat. */
  created(chatId: number, members: readonly ApiUser[]): void {
    this.context.history.add(Event.chat, chatId, ...members.map(({ id }) => id));
  }
}

/** Each user has a private chat with the next one, and some have a main socket. */
async function addPrivateChats(builder: PopulationBuilder, users: readonly ApiUser[]): Promise<void> {
  const { random } = builder;
  for (const [index, user] of users.entries()) {
    const other = users[(index + 1) % users.length] ?? user;
    const id = await user.openChat(other.id);
    builder.created(id, [user, other]);
    builder.addMembers({ id, path: `/chat/${id}` }, [user, other]);
    if (random.chance(MAINS_SHARE))
      builder.addSocket(user, { id: 0, path: '/main' }, random.pick(MAIN_POLICIES));
  }
}

/** There is a group for every three users; every second group has a guest beside its members. */
async function addGroups(builder: PopulationBuilder, users: readonly ApiUser[], name: string): Promise<void> {
  for (let index = 0; index < users.length / 3; index++) {
    const [owner, ...others] = pickMany(users, GROUP_MEMBERS + 1, builder.random);
    if (owner === undefined) continue;
    const spare = others.pop();
    const guest = index % 2 === 0 ? spare : undefined;
    const members = [owner, ...others];
    const all = guest === undefined ? members : [...members, guest];
    const id = await owner.createGroup(
      `${name}-group-${index}`,
      all.slice(1).map((user) => user.id),
    );
    const chat = { id, path: `/group/${id}` };
    builder.created(id, all);
    builder.addMembers(chat, members);
    if (guest === undefined) continue;
    const sockets = GUEST_POLICIES.map((policy) => builder.addSocket(guest, chat, policy));
    builder.guests.push({ user: guest, groupId: id, owner, sockets });
  }
}

async function createUsers(
  context: RunContext,
  { users: count, name, mint }: { readonly users: number; readonly name: string; readonly mint: Mint },
): Promise<ApiUser[]> {
  const users: ApiUser[] = [];
  const create = async (index: number) => {
    const user = new ApiUser(context, await mint(`${name}-${index}`));
    users[index] = user;
    await user.create(`${name}-${index}`);
  };
  for (let index = 0; index < count; index += REQUESTS_AT_ONCE) {
    const batch = Math.min(REQUESTS_AT_ONCE, count - index);
    await Promise.all(Array.from({ length: batch }, (_, offset) => create(index + offset)));
  }
  return users;
}

/** Picks as many different ones of the list as it has, up to `count`. */
function pickMany<T>(list: readonly T[], count: number, random: Random): T[] {
  const left = [...list];
  const picked: T[] = [];
  while (picked.length < count && left.length > 0)
    picked.push(...left.splice(random.from(0, left.length - 1), 1));
  return picked;
}
