import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Command } from '../../src/chat/commands.js';
import type { PageEntry } from '../../src/chat/entries.js';
import { openSqlite } from '../support/sqlite.js';
import { NOTHING_KNOWN, say, TestStore, UNBOUNDED, value } from '../support/store.js';
import { fc } from './property.js';

const CHATS = 3;

let folder: string;
let store: TestStore;
/** What was said, by chat, oldest first. */
const heard = new Map<number, PageEntry[]>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-paging-'));
  store = await TestStore.open(openSqlite, folder);
  await store.users(2);
  const turn = fc.tuple(fc.nat(CHATS - 1), fc.integer({ min: 1, max: 40 }), fc.nat(50));
  const [conversation = []] = fc.sample(fc.array(turn, { minLength: 40, maxLength: 40 }), 1);
  for (let n = 0; n < CHATS; n++) {
    const { id } = await store.ok('create_group', { actor: 1, name: `g${n}`, description: '', users: [2] });
    heard.set(id, []);
  }
  const chats = [...heard.keys()];
  for (const [chat, length, changedAt] of conversation) {
    const chatId = chats[chat] ?? 0;
    const commands: Command[] = Array.from({ length }, (_, n) => say(chatId, 1 + (n % 2), `${chat} ${n}`));
    commands.splice(changedAt, 0, { kind: 'update_group', actor: 1, groupId: chatId, name: `g${changedAt}` });
    const before = await store.newest();
    const outcomes = await store.run(...commands);
    for (const [index, command] of commands.entries()) {
      expect(outcomes[index]).toHaveProperty('ok');
      if (command.kind !== 'post_message') continue;
      const base = { id: before + index + 1, chatId, time: store.now } as const;
      const { authorId, text } = command;
      heard.get(chatId)?.push({ ...base, kind: 'message', authorId, text, clientId: null });
    }
  }
});
afterAll(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const anyChat = fc.nat(CHATS - 1).map((n) => [...heard][n] ?? ([0, []] as [number, PageEntry[]]));
const limit = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(100, 1000));
const messagesIn = (entries: readonly PageEntry[]) => entries.filter(({ kind }) => kind === 'message');

async function newestFor(chat: number, offset: number, max: number) {
  const found = await value(store.read.newestFor(chat, 1, offset, { ...UNBOUNDED, max }, NOTHING_KNOWN));
  return { messages: found?.messages ?? [], more: found?.more };
}

it('pages by limit and offset are those of the list', async () => {
  await fc.assert(
    fc.asyncProperty(anyChat, fc.nat(600), fc.nat(200), async ([chat, entries], offset, count) => {
      const model = messagesIn(entries);
      const end = Math.max(0, model.length - offset);
      const page = await newestFor(chat, offset, count);
      expect(page).toEqual({ messages: model.slice(Math.max(0, end - count), end), more: false });
    }),
  );
});

it('a walk back by offset gives every message once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(anyChat, limit, async ([chat, entries], count) => {
      const walked: PageEntry[] = [];
      for (;;) {
        const { messages } = await newestFor(chat, walked.length, count);
        if (messages.length === 0) break;
        walked.unshift(...messages);
      }
      expect(walked).toEqual(messagesIn(entries));
    }),
    { numRuns: 100 },
  );
});

it('a walk on by after gives all since once, in order, however few have room in a page', async () => {
  await fc.assert(
    fc.asyncProperty(
      anyChat,
      limit,
      fc.nat(1500),
      fc.infiniteStream(fc.nat(200)),
      async ([chat, model], max, after, rooms) => {
        const walked: PageEntry[] = [];
        for (let more = true; more; ) {
          const bounds = { max, maxBytes: rooms.next().value ?? 1 };
          const from = walked.at(-1)?.id ?? after;
          const page = await value(store.read.entriesFor(chat, 1, from, bounds, NOTHING_KNOWN));
          walked.push(...(page?.entries ?? []));
          more = (page?.newest ?? 0) > (walked.at(-1)?.id ?? after);
          if (more) expect(page?.entries.length).toBeGreaterThan(0);
        }
        expect(walked).toEqual(model.filter(({ id }) => id > after));
      },
    ),
    { numRuns: 100 },
  );
});
