import { expect } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import type { PageEntry } from '../../../src/chat/entries.js';
import type { Message } from '../../../src/chat/messages.js';
import { Random } from '../../../src/prove/random.js';
import { say, type TestStore } from '../../support/store.js';

const CHATS = 5;
const TURNS = 40;

/**
 * Random chats of users 1 and 2 that talk in turns of random length, between changes of the groups and entries that no
 * socket hears of. Returns what a chat's sockets are to hear, by chat, in order.
 */
export async function talk(store: TestStore, seed: number): Promise<Map<number, PageEntry[]>> {
  const random = new Random(`talk ${seed}`);
  await store.users(3);
  const heard = new Map<number, PageEntry[]>();
  for (let n = 0; n < CHATS; n++) {
    const group = { actor: 1, name: `g${n}`, description: '', users: [2] };
    heard.set((await store.ok('create_group', group)).id, []);
  }
  for (let turn = 0; turn < TURNS; turn++) {
    const chatId = [...heard.keys()][Math.floor(random.next() ** 2 * CHATS)] ?? 0;
    const length = 1 + Math.floor(random.next() ** 3 * 60);
    const commands: Command[] = Array.from({ length }, (_, n) => say(chatId, 1 + (n % 2), `${turn} ${n}`));
    const somewhere = () => random.from(0, commands.length);
    for (let n = random.from(0, 2); n > 0; n--) {
      commands.splice(somewhere(), 0, { kind: 'update_group', actor: 1, groupId: chatId, name: `g${turn}` });
    }
    const member = { actor: 1, groupId: chatId, users: [3] } as const;
    commands.splice(somewhere(), 0, { kind: 'add_members', ...member });
    commands.push({ kind: 'remove_members', ...member });
    store.now += 1;
    const before = await store.newest();
    const outcomes = await store.run(...commands);
    // Each command adds one entry.
    commands.forEach((command, index) => {
      const outcome = outcomes[index];
      const id = before + index + 1;
      expect(outcome).toHaveProperty('ok');
      const base = { id, chatId, time: store.now };
      if (command.kind !== 'post_message') return;
      expect(outcome).toHaveProperty('ok.id', id);
      const { authorId, text } = command;
      heard.get(chatId)?.push({ ...base, kind: 'message', authorId, text, clientId: null });
    });
    if (turn % 10 === 9) await store.reopen();
  }
  return heard;
}

export function messagesIn(heard: readonly PageEntry[]): Message[] {
  return heard.filter((entry) => entry.kind === 'message');
}

/** The users of a store's `users` who wrote these, by their ids. */
export function authorsOf(entries: readonly PageEntry[]) {
  const ids = new Set(entries.map(({ authorId }) => authorId));
  return new Map([...ids].map((id) => [id, testUser(id)]));
}

/** A user as `TestStore.users` makes them. */
export function testUser(id: number) {
  return { id, username: `user-${id}`, name: `User ${id}`, description: '', photo: null, readReceipts: true };
}
