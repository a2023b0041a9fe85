import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Message } from '../../src/chat/messages.js';
import { openSqlite } from '../support/sqlite.js';
import { say, TestStore } from '../support/store.js';
import { fc } from './property.js';

const CHATS = 3;
const all = () => true;

let folder: string;
let store: TestStore;
/** What was said, by chat, oldest first. */
const said = new Map<number, Message[]>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-paging-'));
  store = await TestStore.open(openSqlite, folder);
  await store.users(2);
  const turns = fc.array(fc.tuple(fc.nat(CHATS - 1), fc.integer({ min: 1, max: 40 })), {
    minLength: 40,
    maxLength: 40,
  });
  const [conversation = []] = fc.sample(turns, 1);
  for (let n = 0; n < CHATS; n++) {
    const { id } = await store.ok('create_group', { actor: 1, name: `g${n}`, description: '', users: [2] });
    said.set(id, []);
  }
  const chats = [...said.keys()];
  for (const [turn, length] of conversation) {
    const chatId = chats[turn] ?? 0;
    const outcomes = await store.run(
      ...Array.from({ length }, (_, n) => say(chatId, 1 + (n % 2), `${turn} ${n}`)),
    );
    for (const [n, outcome] of outcomes.entries()) {
      if (!('ok' in outcome) || !('time' in outcome.ok)) throw new Error('not stored');
      const { id, time } = outcome.ok;
      said
        .get(chatId)
        ?.push({ id, chatId, authorId: 1 + (n % 2), text: `${turn} ${n}`, time, clientId: null });
    }
  }
});
afterAll(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const anyChat = fc.nat(CHATS - 1).map((n) => [...said][n] ?? ([0, []] as [number, Message[]]));
const limit = fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(100, 1000));

it('pages by limit and offset are those of the list', () => {
  fc.assert(
    fc.property(anyChat, fc.nat(600), fc.nat(200), ([chat, model], offset, count) => {
      const end = Math.max(0, model.length - offset);
      const page = store.see((view) => view.messagesBefore(chat, offset, count, all));
      expect(page).toEqual({ messages: model.slice(Math.max(0, end - count), end), more: false });
    }),
  );
});

it('a walk back by offset gives every message once, in order', () => {
  fc.assert(
    fc.property(anyChat, limit, ([chat, model], count) => {
      const walked: Message[] = [];
      for (;;) {
        const { messages } = store.see((view) => view.messagesBefore(chat, walked.length, count, all));
        if (messages.length === 0) break;
        walked.unshift(...messages);
      }
      expect(walked).toEqual(model);
    }),
    { numRuns: 100 },
  );
});

it('a walk on by after gives every message since once, in order, however few fit into a page', () => {
  fc.assert(
    fc.property(
      anyChat,
      limit,
      fc.nat(1500),
      fc.infiniteStream(fc.nat(50)),
      ([chat, model], count, after, rooms) => {
        const walked: Message[] = [];
        for (let more = true; more; ) {
          let left = rooms.next().value ?? 1;
          let asked = 0;
          // The first always fits, as it must in a frame.
          const fits = () => asked++ === 0 || left-- > 0;
          const page = store.see((view) => view.messagesAfter(chat, walked.at(-1)?.id ?? after, count, fits));
          walked.push(...page.messages);
          more = page.more;
        }
        expect(walked).toEqual(model.filter(({ id }) => id > after));
      },
    ),
    { numRuns: 100 },
  );
});
