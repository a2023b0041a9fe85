import { Event } from '../history.js';
import type { Random } from '../random.js';
import type { World } from '../run-context.js';
import { Account } from './api-user.js';
import { ClientSocket, type Habit } from './chat-socket.js';
import { Voice } from './sender.js';

/** One who is removed from a group and added again, over and over; listens, and does not speak. */
export interface Guest {
  readonly account: Account;
  readonly groupId: number;
  readonly owner: Account;
  readonly sockets: readonly ClientSocket[];
}

export interface Population {
  readonly sockets: readonly ClientSocket[];
  readonly voices: readonly Voice[];
  readonly guests: readonly Guest[];
  /** A member of each chat, to read it all back. */
  readonly readers: ReadonlyMap<number, { readonly path: string; readonly token: string }>;
}

const GROUP_MEMBERS = 5;
const REQUESTS_AT_ONCE = 16;

/** How those who speak connect, and how often such a one is met. */
const VOICE_HABITS: readonly Habit[] = [
  { start: 'after' },
  { start: 'after' },
  { start: 'after' },
  { start: 'after', everyMs: 1500 },
  { start: 'after', everyMs: 4000 },
  { start: 100, everyMs: 5000 },
  { start: 3, everyMs: 2500 },
];
const LISTENER_HABITS: readonly Habit[] = [
  { start: 'beginning', everyMs: 30_000 },
  { start: 'after', isSlow: true },
  { start: 'after', everyMs: 700 },
  { start: 1000, everyMs: 5000 },
  { start: 100, isSlow: true },
];
const MAIN_HABITS: readonly Habit[] = [
  { start: 100 },
  { start: 100, everyMs: 4000 },
  { start: 'after', everyMs: 1500 },
  { start: 'after' },
  { start: 100, isSlow: true },
];
const LISTENERS_SHARE = 0.25;
const MAINS_SHARE = 0.4;
const REPEATERS_SHARE = 0.85;

/** Creates users, private chats, groups and their sockets; nothing is connected yet. */
export async function populate(
  world: World,
  users: number,
  name: string,
  mint: (sub: string) => Promise<string>,
  random: Random,
): Promise<Population> {
  const accounts = await createAccounts(world, users, name, mint);
  const sockets: ClientSocket[] = [];
  const voices: Voice[] = [];
  const guests: Guest[] = [];
  const readers = new Map<number, { path: string; token: string }>();

  const socketOf = (account: Account, chat: { id: number; path: string }, habit: Habit) => {
    const socket = new ClientSocket(world, account, chat, habit, random.of(`socket ${sockets.length}`));
    sockets.push(socket);
    return socket;
  };
  const settle = (chat: { id: number; path: string }, members: readonly Account[]) => {
    readers.set(chat.id, { path: chat.path, token: members[0]?.token ?? '' });
    for (const account of members) {
      const manner = { repeats: random.chance(REPEATERS_SHARE), isEager: random.chance(0.5) };
      const socket = socketOf(account, chat, random.pick(VOICE_HABITS));
      voices.push(new Voice(world, socket, voices.length, manner, random.of(`voice ${voices.length}`)));
      if (random.chance(LISTENERS_SHARE)) socketOf(account, chat, random.pick(LISTENER_HABITS));
    }
  };

  for (const [index, account] of accounts.entries()) {
    const other = accounts[(index + 1) % accounts.length] ?? account;
    const id = await account.openChat(other.id);
    world.history.add(Event.chat, id, account.id, other.id);
    settle({ id, path: `/chat/${id}` }, [account, other]);
    if (random.chance(MAINS_SHARE)) socketOf(account, { id: 0, path: '/main' }, random.pick(MAIN_HABITS));
  }
  for (let index = 0; index < users / 3; index++) {
    const [owner, ...others] = pickMany(accounts, GROUP_MEMBERS + 1, random);
    if (owner === undefined) continue;
    const hasGuest = index % 2 === 0;
    const guest = others.at(-1);
    const members = hasGuest ? [owner, ...others] : [owner, ...others.slice(0, -1)];
    const id = await owner.createGroup(
      `${name}-group-${index}`,
      members.slice(1).map((account) => account.id),
    );
    world.history.add(Event.chat, id, ...members.map((account) => account.id));
    const chat = { id, path: `/group/${id}` };
    settle(chat, hasGuest ? members.slice(0, -1) : members);
    if (!hasGuest || guest === undefined) continue;
    const own = [
      socketOf(guest, chat, { start: 'after' }),
      socketOf(guest, chat, { start: 100, everyMs: 1000 }),
    ];
    guests.push({ account: guest, groupId: id, owner, sockets: own });
  }
  return { sockets, voices, guests, readers };
}

async function createAccounts(
  world: World,
  users: number,
  name: string,
  mint: (sub: string) => Promise<string>,
): Promise<Account[]> {
  const accounts: Account[] = [];
  const create = async (index: number) => {
    const account = new Account(world, await mint(`${name}-${index}`));
    accounts[index] = account;
    await account.create(`${name}-${index}`);
  };
  for (let index = 0; index < users; index += REQUESTS_AT_ONCE) {
    const count = Math.min(REQUESTS_AT_ONCE, users - index);
    await Promise.all(Array.from({ length: count }, (_, offset) => create(index + offset)));
  }
  return accounts;
}

function pickMany<T>(list: readonly T[], count: number, random: Random): T[] {
  const left = [...list];
  const picked: T[] = [];
  while (picked.length < count && left.length > 0)
    picked.push(...left.splice(random.from(0, left.length - 1), 1));
  return picked;
}
