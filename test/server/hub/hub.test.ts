import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import type { Bus } from '../../../src/link/bus.js';
import type { LogPage, ReadStore } from '../../../src/store/read-store.js';
import { HeldStore } from '../../support/held-store.js';
import { TestHub } from '../../support/hub.js';
import { MemoryHub } from '../../support/memory-bus.js';
import { overStore } from '../../support/over-store.js';
import { say } from '../../support/store.js';
import { turns } from '../../support/wait.js';

/** Users 1, 2 and 3; a chat of 1 and 2, a group of 1 and 2, and another of 1 and 3. User `subject` has a profile too. */
let own: TestHub;
let pair: number;
let group: number;
let other: number;

async function open(over?: (read: ReadStore) => ReadStore, bus: Bus = new MemoryHub().join()): Promise<void> {
  own = await TestHub.open({
    ...(over && { over }),
    bus,
    prepare: async (store) => {
      await store.users(3);
      const profile = { username: 's', name: 'S', description: '' };
      await store.ok('create_user', { caller: { subject: 'subject' }, ...profile });
      const create = async (users: number[]) =>
        (await store.ok('create_group', { actor: 1, name: 'g', description: '', users })).id;
      pair = (await store.ok('open_chat', { actor: 1, other: 2 })).id;
      group = await create([2]);
      other = await create([3]);
    },
  });
}
beforeEach(() => open());
afterEach(() => own.close());

const members = (kind: 'add_members' | 'remove_members', ...users: number[]): Command => ({
  ...{ kind, actor: 1, groupId: group, users },
});

describe('a message', () => {
  it('reaches the live sockets of its chat, and of no other', async () => {
    const here = [own.chat(1, group), own.chat(2, group), own.chat(2, group)];
    const elsewhere = [own.chat(1, other), own.chat(1, pair)];
    await own.run(say(group, 1, 'hi'));
    for (const { texts } of here) expect(texts()).toEqual(['hi']);
    for (const { texts } of elsewhere) expect(texts()).toEqual([]);
  });

  it("reaches its members' main sockets with its chat, and no other's", async () => {
    const mains = [1, 2, 3].map((user) => own.main(user));
    await own.run(say(group, 1, 'a'), say(pair, 2, 'b'), say(other, 3, 'c'));
    const shown = mains.map(({ wire }) =>
      wire.frames.map(({ text, chat_id, chat_type, author }) => [text, chat_id, chat_type, author.name]),
    );
    const a = ['a', group, 'group', 'User 1'];
    const b = ['b', pair, 'private', 'User 2'];
    const c = ['c', other, 'group', 'User 3'];
    expect(shown).toEqual([[a, b, c], [a, b], [c]]);
  });

  it('that comes in one page with the removal of its chat reaches whoever was in it', async () => {
    const [chat, main] = [own.chat(2, group), own.main(2)];
    await own.run(say(group, 1, 'last'), { kind: 'delete_group', actor: 1, groupId: group });
    expect(chat.texts()).toEqual(['last']);
    expect(main.texts()).toEqual(['last']);
  });

  it('that comes in one page with an entry of a newer version has its author, and reaches everybody', async () => {
    await own.close();
    // To a version that does not know it, any entry is unknown.
    const hide = ({ entries, ...page }: LogPage): LogPage => ({
      ...page,
      entries: entries.map((entry) =>
        entry.kind === 'group_changed' ? { kind: 'unknown', id: entry.id, time: entry.time } : entry,
      ),
    });
    await open((read) => overStore(read, { log: (...question) => hide(read.log(...question) as LogPage) }));
    const [main, chat] = [own.main(1), own.chat(1, pair)];
    const unknown = { kind: 'update_group', actor: 1, groupId: group, name: 'n' } as const;
    await own.run(say(pair, 2, 'before')); // From here on the author and the chat are known.
    await own.run(unknown, say(pair, 2, 'after'), unknown, say(group, 2, 'last'));
    expect(main.messages().map(({ text, author }) => [text, author.name])).toEqual([
      ['before', 'User 2'],
      ['after', 'User 2'],
      ['last', 'User 2'],
    ]);
    expect(chat.messages().map(({ text, author }) => [text, author.name])).toEqual([
      ['before', 'User 2'],
      ['after', 'User 2'],
    ]);
    const history = own.chat(2, pair).messages();
    expect(history.map(({ author }) => author.name)).toEqual(['User 2', 'User 2']);
  });
});

describe('membership', () => {
  it('that begins brings the messages that follow to main sockets', async () => {
    const main = own.main(3);
    await own.run(say(group, 1, 'before'), members('add_members', 3), say(group, 1, 'after'));
    expect(main.texts()).toEqual(['after']);
    await own.run(say(group, 1, 'later'));
    expect(main.texts()).toEqual(['after', 'later']);
  });

  it('that begins with the group does too', async () => {
    const main = own.main(3);
    const { id } = await own.store.ok('create_group', { actor: 1, name: 'n', description: '', users: [3] });
    await own.run(say(id, 1, 'first'));
    expect(main.texts()).toEqual(['first']);
  });

  it('that ends ends the sockets in the group where the removal stands, and leaves all others', async () => {
    const [removed, removedMain] = [own.chat(2, group), own.main(2)];
    const stay = [own.chat(1, group), own.chat(2, pair)];
    await own.run(say(group, 1, 'before'), members('remove_members', 2), say(group, 1, 'after'));
    expect(removed.texts()).toEqual(['before']);
    expect(removed.wire.ended).toEqual({ code: 4403, reason: 'removed' });
    expect(removedMain.texts()).toEqual(['before']);
    for (const { wire } of [...stay, removedMain]) expect(wire.ended).toBeUndefined();
    expect(stay[0]?.texts()).toEqual(['before', 'after']);
    expect(own.hub.room(group).size).toBe(1);
  });

  it('ends with the group', async () => {
    const [chat, main, stays] = [own.chat(2, group), own.main(2), own.chat(2, pair)];
    await own.run({ kind: 'delete_group', actor: 1, groupId: group });
    expect(chat.wire.ended).toEqual({ code: 4410, reason: 'group deleted' });
    expect([...main.wire.topics]).toEqual(['u2']);
    expect(stays.wire.ended).toBeUndefined();
    expect(own.hub.room(group).size).toBe(0);
  });
});

describe('a revocation', () => {
  it("ends the user's sockets with older tokens, and nobody else's", async () => {
    const sockets = [own.chat(1, group), own.main(1), own.main(1), own.main(2)];
    for (const [index, issuedAt] of [99, 99, 100, 99].entries()) {
      const { socket } = sockets[index] ?? {};
      if (socket !== undefined) socket.issuedAt = issuedAt;
    }
    await own.run({ kind: 'revoke_tokens', claim: '1', before: 100 });
    expect(sockets.map(({ wire }) => wire.ended?.code)).toEqual([4401, 4401, undefined, undefined]);
    expect(own.hub.revocations.has({ caller: { id: 1 }, issuedAt: 99, expiresAt: undefined })).toBe(true);
    expect(own.hub.revocations.has({ caller: { id: 1 }, issuedAt: 100, expiresAt: undefined })).toBe(false);
  });

  it('finds the user of a subject that nobody has asked for', async () => {
    const { value: userId = 0 } = await own.store.read.userOfSubject('subject');
    const main = own.main(userId);
    await own.run({ kind: 'revoke_tokens', claim: 'subject', before: 100 });
    await own.hub.follower.whenCaughtUp(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(main.wire.ended?.code).toBe(4401);
  });
});

describe('the bus', () => {
  it('is subscribed to the chats that have a socket here', async () => {
    await own.close();
    const calls: string[] = [];
    const bus: Bus = {
      ...{ publish: () => undefined, onNewest: () => undefined, onTyping: () => undefined },
      subscribe: (id) => calls.push(`+${id}`),
      unsubscribe: (id) => calls.push(`-${id}`),
    };
    await open(undefined, bus);
    const [first, second] = [own.chat(1, group), own.chat(2, group)];
    own.main(1);
    expect(calls).toEqual([`+${group}`]);
    first.socket.end(1000, 'bye');
    expect(calls).toEqual([`+${group}`]);
    second.socket.end(1000, 'bye');
    expect(calls).toEqual([`+${group}`, `-${group}`]);
    expect(own.hub.everyone()).toHaveLength(1);
  });
});

describe('what a request needs', () => {
  it('is asked of the store once, as long as it does not change', async () => {
    const asked: string[] = [];
    await own.close();
    await open((read) =>
      overStore(read, {
        user: (id) => {
          asked.push(`user ${id}`);
          return read.user(id);
        },
        userOfSubject: (subject) => {
          asked.push(subject);
          return read.userOfSubject(subject);
        },
      }),
    );
    const { hub } = own;
    const userId = () =>
      hub.follower.read(
        () => hub.loadUserId({ subject: 'subject' }),
        (id) => id,
      );
    const profile = () =>
      hub.follower.read(
        () => hub.loadProfile(2),
        (found) => found?.nameJson,
      );
    expect(await userId()).toBe(await userId());
    expect([await profile(), await profile()]).toEqual(['"User 2"', '"User 2"']);
    await own.run({ kind: 'update_user', actor: 2, name: 'Bob' });
    expect(await profile()).toBe('"Bob"');
    expect(asked).toEqual(['subject', 'user 2']);
    expect(await hub.loadUserId({ id: 7 })).toMatchObject({ value: 7 });
    expect(await hub.loadProfile(7)).toMatchObject({ value: undefined });
  });

  it('is a chat of the type that is asked for, for its members', async () => {
    const { hub } = own;
    const load = (user: number | undefined, chat: number, type: 'group' | 'private') =>
      hub.follower.read(
        () => hub.loadChat(user, chat, type),
        ({ id }) => id,
      );
    expect(await load(2, group, 'group')).toBe(group);
    expect(await load(2, pair, 'private')).toBe(pair);
    for (const ask of [
      () => load(3, group, 'group'),
      () => load(undefined, group, 'group'),
      () => load(1, pair, 'group'),
    ]) {
      expect(ask).toThrow(expect.objectContaining({ code: 'group_not_found' }));
    }
    expect(() => load(1, group, 'private')).toThrow(expect.objectContaining({ code: 'chat_not_found' }));
  });

  it('is as new as the answer when a change overtook an older one', async () => {
    await own.close();
    let held: HeldStore | undefined;
    await open((read) => {
      held = new HeldStore(read, ['user', 'chatFor']);
      return held.read;
    });
    const { hub } = own;
    const name = hub.follower.read(
      () => hub.loadProfile(2),
      (found) => found?.nameJson,
    );
    const chat = hub.follower.read(
      () => hub.loadChat(1, group, 'group'),
      (found) => found.name,
    );
    await turns();
    await own.run(
      { kind: 'update_user', actor: 2, name: 'Bob' },
      { kind: 'update_group', actor: 1, groupId: group, name: 'renamed' },
    );
    for (let answers = 0; answers < 2; answers++) {
      await held?.answer('user'); // The first is from before the change.
      await held?.answer('chatFor');
    }
    expect([await name, await chat]).toEqual(['"Bob"', 'renamed']);
    expect(hub.caches.nameJson(2)).toBe('"Bob"');
    expect(hub.caches.chat(group)?.name).toBe('renamed');
  });
});

describe('the sockets of a hub', () => {
  it('are everyone from when they are added until they are removed, in their rooms', () => {
    const sockets = [own.chat(1, group), own.chat(2, group), own.main(2)].map(({ socket }) => socket);
    expect(new Set(own.hub.everyone())).toEqual(new Set(sockets));
    expect(own.hub.room(group).size).toBe(2);
    for (const socket of sockets) socket.end(1000, 'bye');
    expect(own.hub.everyone()).toEqual([]);
    expect(own.hub.room(group).size).toBe(0);
    expect(sockets.map(({ state }) => state)).toEqual(['closed', 'closed', 'closed']);
  });
});
