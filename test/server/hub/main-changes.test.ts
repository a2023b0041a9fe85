import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import { parseOpaqueCursor } from '../../../src/chat/ids.js';
import { Random } from '../../../src/prove/random.js';
import type { ReadStore } from '../../../src/store/read-store.js';
import { fc } from '../../properties/property.js';
import { temporaryFolder } from '../../support/ledger.js';
import type { Kept, KeptChat } from '../../support/main-client.js';
import { type Connected, MainWorld } from '../../support/main-world.js';
import { slowStore } from '../../support/slow-store.js';
import type { Frame } from '../../support/socket.js';
import { openSqlite } from '../../support/sqlite.js';
import { TestStore, value } from '../../support/store.js';
import { turns } from '../../support/wait.js';

/**
 * A client with one main socket has all chats of its user as whoever reads them anew sees them: whatever changes, and wherever
 * it resumes. `CHANGES=long` runs many more histories.
 */
const RUNS = process.env['CHANGES'] === 'long' ? 1500 : 12;
/** Cursors at which new clients resume in the end. */
const CUTS_MAX = 24;
const USERS = 4;
const EMOJI = ['👍', '❤️', '👩‍👩‍👧'];

const user = fc.nat(USERS - 1);
/** Which chat, and which of its messages, counted back from the newest. */
const chat = fc.nat(3);
const target = fc.oneof({ weight: 3, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(20) });
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'hello "there"') },
  { weight: 1, arbitrary: fc.constantFrom('😀'.repeat(101), `x${'\u0001'.repeat(300)}`) },
);
const one = <T extends string>(...values: T[]) => fc.constantFrom(...values);
const mentions = fc.constantFrom<readonly ('all' | 'other')[]>([], [], ['all'], ['other']);
const ask = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: one('post'), user, chat, text, mentions }) },
  { weight: 3, arbitrary: fc.record({ do: one('reply'), user, chat, text, target }) },
  { weight: 5, arbitrary: fc.record({ do: one('edit'), user, chat, text, target }) },
  { weight: 4, arbitrary: fc.record({ do: one('delete'), user, chat, target }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: one('react'),
      user,
      chat,
      target,
      emoji: fc.constantFrom(...EMOJI),
      on: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: one('read'), user, chat, target }) },
  { weight: 2, arbitrary: fc.record({ do: one('open'), user, other: user }) },
  { weight: 2, arbitrary: fc.record({ do: one('create'), user, users: fc.array(user, { maxLength: 3 }) }) },
  { weight: 4, arbitrary: fc.record({ do: one('add', 'remove'), chat, other: user }) },
  { weight: 2, arbitrary: fc.record({ do: one('describe'), chat }) },
  { weight: 2, arbitrary: fc.record({ do: one('rename'), user }) },
  { weight: 1, arbitrary: fc.record({ do: one('delete group'), chat }) },
);
const client = fc.nat(10);
const step = fc.record({
  /** How many turns of the event loop pass after it. */
  turns: fc.nat(3),
  act: fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        do: one('write'),
        asks: fc.array(ask, { minLength: 1, maxLength: 8, size: 'max' }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: one('connect'), user, from: one('now', 'beginning', 'cut'), client }),
    },
    { weight: 5, arbitrary: fc.record({ do: one('reconnect', 'lag', 'sip', 'drain'), client }) },
    { weight: 3, arbitrary: fc.record({ do: one('cursor') }) },
    { weight: 1, arbitrary: fc.record({ do: one('purge', 'restart') }) },
  ),
});
const history = fc.record({
  steps: fc.array(step, { minLength: 8, maxLength: 40, size: 'max' }),
  bounds: fc.record({
    max: fc.constantFrom(1, 2, 3, 500),
    maxBytes: fc.constantFrom(1, 200, 256 * 1024),
    perChatMax: fc.constantFrom(2, 5, 200),
    newest: fc.constantFrom(1, 3, 50),
  }),
  seed: fc.nat(1_000_000),
});
type Value<A> = A extends fc.Arbitrary<infer T> ? T : never;
type Ask = Value<typeof ask>;

/** What was written. */
interface Written {
  readonly users: readonly number[];
  readonly chats: WrittenChat[];
}
interface WrittenChat {
  readonly id: number;
  /** Undefined for a private chat. */
  readonly owner: number | undefined;
  readonly messages: number[];
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: TestStore;
let usersMade = 0;
beforeAll(async () => {
  folder = await temporaryFolder();
  store = await TestStore.open(openSqlite, folder.path);
});
afterAll(async () => {
  store.close();
  await folder.remove();
});
beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

/** All histories have one store, and users of their own. */
async function makeUsers(): Promise<number[]> {
  const users: number[] = [];
  for (let n = 0; n < USERS; n++) {
    usersMade += 1;
    const id = usersMade;
    users.push(id);
    await store.ok('create_user', {
      caller: { id },
      username: `u${id}`,
      name: `User ${id}`,
      description: '',
    });
  }
  return users;
}

function commandOf({ users, chats }: Written, wanted: Ask): Command | undefined {
  const of = (index: number) => users[index] as number;
  switch (wanted.do) {
    case 'open':
      return { kind: 'open_chat', actor: of(wanted.user), other: of(wanted.other) };
    case 'create': {
      const named = { name: `group at ${store.now}`, description: '' };
      return { kind: 'create_group', actor: of(wanted.user), users: wanted.users.map(of), ...named };
    }
    case 'rename':
      return { kind: 'update_user', actor: of(wanted.user), name: `renamed at ${store.now}` };
    default:
  }
  const found = chats[wanted.chat % chats.length];
  return found && commandIn(found, wanted, of);
}

function commandIn(
  { id: chatId, owner = 0, messages }: WrittenChat,
  wanted: Exclude<Ask, { do: 'open' | 'create' | 'rename' }>,
  of: (index: number) => number,
): Command | undefined {
  switch (wanted.do) {
    case 'add':
      return { kind: 'add_members', actor: owner, groupId: chatId, users: [of(wanted.other)] };
    case 'remove':
      return { kind: 'remove_members', actor: owner, groupId: chatId, users: [of(wanted.other)] };
    case 'describe':
      return { kind: 'update_group', actor: owner, groupId: chatId, description: `at ${store.now}` };
    case 'delete group':
      return { kind: 'delete_group', actor: owner, groupId: chatId };
    case 'post': {
      const { user: by, text: said } = wanted;
      const mentioned = wanted.mentions.map((one) => (one === 'all' ? one : of((by + 1) % USERS)));
      return { kind: 'post_message', chatId, authorId: of(by), text: said, mentions: mentioned };
    }
    default:
  }
  const messageId = messages.at(-1 - (wanted.target % messages.length));
  if (messageId === undefined) return undefined;
  const actor = of(wanted.user);
  switch (wanted.do) {
    case 'reply':
      return { kind: 'post_message', chatId, authorId: actor, text: wanted.text, replyTo: messageId };
    case 'edit':
      return { kind: 'edit_message', chatId, actor, messageId, text: wanted.text };
    case 'delete':
      return { kind: 'delete_message', chatId, actor, messageId };
    case 'react':
      return { kind: 'react', chatId, actor, messageId, emoji: wanted.emoji, isOn: wanted.on };
    case 'read':
      return { kind: 'mark_read', actor, chatId, id: messageId };
  }
}

function noteDone({ chats }: Written, command: Command, ok: Frame): void {
  if (command.kind === 'create_group') chats.push({ id: ok.id, owner: command.actor, messages: [] });
  if (command.kind === 'open_chat' && !chats.some(({ id }) => id === ok.id))
    chats.push({ id: ok.id, owner: undefined, messages: [] });
  if (command.kind === 'post_message') chats.find(({ id }) => id === command.chatId)?.messages.push(ok.id);
}

async function take(world: MainWorld, written: Written, { act, turns: count }: Value<typeof step>) {
  const connected = 'client' in act ? world.clients[act.client % world.clients.length] : undefined;
  switch (act.do) {
    case 'write':
      await world.write(
        act.asks.map((wanted) => () => commandOf(written, wanted)),
        (command, ok) => noteDone(written, command, ok),
      );
      break;
    case 'connect': {
      const cut = connected?.client.cuts.at(-1);
      if (act.from === 'cut' && connected !== undefined && cut !== undefined)
        world.clients.push(world.connect(connected.client.userId, cut));
      else
        world.clients.push(
          world.connect(written.users[act.user] as number, act.from === 'now' ? 'now' : 'beginning'),
        );
      break;
    }
    case 'cursor':
      world.tellCursor();
      break;
    case 'purge':
      await world.purge();
      break;
    case 'restart':
      await world.restart();
      break;
    default:
      if (connected === undefined) break;
      if (act.do === 'reconnect') world.reconnect(connected);
      else if (act.do === 'lag') world.lag(connected);
      else world.drain(connected, act.do === 'drain');
  }
  await turns(count);
}

/** What the client has of each chat is what there is. */
function expectSame({ client }: Connected, { name, chats }: Kept): void {
  const { kept } = client;
  expect([...kept.chats.keys()].sort()).toEqual([...chats.keys()].sort());
  if (kept.name !== undefined) expect(kept.name).toBe(name);
  for (const [id, chat] of kept.chats) expectSameChat(chat, chats.get(id) as KeptChat);
}

function expectSameChat(kept: KeptChat, is: KeptChat): void {
  expect({ name: kept.name, type: kept.type }).toEqual({ name: is.name, type: is.type });
  if (kept.info !== undefined) expect(kept.info).toEqual(is.info);
  const known = [...kept.messages.values()].map(comparable).filter(({ id }) => id >= kept.from);
  const all = [...is.messages.values()].map(comparable).filter(({ id }) => id >= kept.from);
  expect(known.sort((a, b) => a.id - b.id)).toEqual(all);
  if (kept.isUnsure) return;
  expect([kept.unread, kept.mentions]).toEqual([is.unread, is.mentions]);
}

/** Names in messages are left out, since nobody is told when those of strangers change. */
function comparable({ id, ...message }: Frame): Frame {
  if (message.deleted) return { id, deleted: true };
  const { author, text, version = 1, mentions = [], reply_to, quote, reactions = [] } = message;
  return {
    ...{ id, text, version, mentions, reply_to, author: author.id },
    quote: quote && { text: quote.text, author: quote.author.id },
    reactions: reactions.toSorted((a: Frame, b: Frame) => (a.emoji < b.emoji ? -1 : 1)),
  };
}

/** A client that resumes at a cursor is told once of what changed, and has then what there is. */
async function expectAllCuts(world: MainWorld, random: Random): Promise<void> {
  const cuts = world.clients.flatMap(({ client }) =>
    client.cuts.map((cut) => ({ userId: client.userId, cut })),
  );
  const picked = cuts.toSorted(() => random.from(0, 2) - 1).slice(0, CUTS_MAX);
  for (const { cut } of picked) {
    const { id, time } = parseOpaqueCursor(cut.cursor) as { id: number; time: number | undefined };
    // Each is known to the server.
    if (id > 0) expect([time, null]).toContain(await value(store.read.timeOf(id)));
  }
  const opened = picked.map(({ userId, cut }) => world.connect(userId, cut));
  await world.settled(opened);
  for (const connected of opened) {
    expectSame(connected, world.fetch(connected.client.userId).kept);
    expect(connected.client.repeats).toBe(0);
  }
}

async function play(world: MainWorld, { steps, seed }: Value<typeof history>): Promise<void> {
  await world.open();
  const written: Written = { users: await makeUsers(), chats: [] };
  const first: Ask = { do: 'create', user: 0, users: [1, 2] };
  await world.write([() => commandOf(written, first)], (command, ok) => noteDone(written, command, ok));
  for (const userId of written.users.slice(0, 2)) world.clients.push(world.connect(userId, 'now'));
  for (const taken of steps) await take(world, written, taken);
  await world.settled(world.clients);
  for (const connected of world.clients) expectSame(connected, world.fetch(connected.client.userId).kept);
  for (const userId of written.users) {
    const fresh = world.connect(userId, 'beginning');
    await world.settled([fresh]);
    expectSame(fresh, world.fetch(userId).kept);
  }
  await expectAllCuts(world, new Random(String(seed)));
  expect(world.failures).toEqual([]);
  await world.close();
}

describe('old snapshot + frames = new snapshot for a main socket', () => {
  it.each<[string, (read: ReadStore) => ReadStore]>([
    ['at once', (read) => read],
    ['later', slowStore],
  ])('over a store that answers %s', async (_when, over) => {
    const advance = (ms: number) => void vi.advanceTimersByTime(ms);
    await fc.assert(
      fc.asyncProperty(history, (told) => play(new MainWorld(store, told.bounds, over, advance), told)),
      { numRuns: RUNS },
    );
  });
});
