import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PageEntry } from '../../src/chat/entries.js';
import type { Message } from '../../src/chat/messages.js';
import { openSqlite } from '../support/sqlite.js';
import { NOTHING_KNOWN, TestStore, UNBOUNDED, value } from '../support/store.js';
import { ChatModel, type Deed } from './changed-messages.js';
import { fc } from './property.js';

const VIEWS = ['plain', 'full'] as const;
const PURGE_MS = 60_000;

let folder: string;
let store: TestStore;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-changes-'));
  store = await TestStore.open(openSqlite, folder);
  await store.users(2);
});
afterAll(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const user = fc.constantFrom(1 as const, 2 as const);
const place = fc.nat(60);
const post = fc.record({
  does: fc.constant('post' as const),
  by: user,
  replyTo: fc.option(place, { nil: undefined }),
});
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { arbitrary: post, weight: 8 },
  {
    arbitrary: fc.record({
      does: fc.constant('edit' as const),
      of: place,
      text: fc.constantFrom('a', 'b', 'a longer text'),
    }),
    weight: 5,
  },
  {
    arbitrary: fc.record({ does: fc.constant('delete' as const), of: place, byOwner: fc.boolean() }),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      ...{ does: fc.constant('react' as const), of: place, by: user },
      ...{ emoji: fc.constantFrom('👍', '🎉', '❤️'), on: fc.boolean() },
    }),
    weight: 6,
  },
  { arbitrary: fc.record({ does: fc.constantFrom('rename' as const, 'purge' as const) }), weight: 1 },
);
/** Batches of deeds, some of them by a ledger that knows only what is stored. */
const history = fc.array(
  fc.oneof(
    { arbitrary: fc.array(deed, { minLength: 1, maxLength: 40 }), weight: 6 },
    { arbitrary: fc.constant('reopen' as const), weight: 1 },
  ),
  { minLength: 2, maxLength: 8 },
);
const asked = fc.record({
  offset: fc.nat(40),
  max: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.constantFrom(63, 64, 65, 1000)),
  after: fc.double({ min: 0, max: 1, noNaN: true }),
  rooms: fc.constantFrom(UNBOUNDED.maxBytes, 0, 1, 9, 30),
  reader: user,
});

/** Does everything, in the store and in the model, and gives the model. */
async function happen(batches: readonly (readonly Deed[] | 'reopen')[]): Promise<ChatModel> {
  const group = { actor: 1, name: 'a group', description: '', users: [2] };
  const model = new ChatModel((await store.ok('create_group', group)).id);
  for (const batch of batches) {
    if (batch === 'reopen') await store.reopen();
    else for (const one of batch) await doOne(model, one);
  }
  return model;
}

async function doOne(model: ChatModel, one: Deed): Promise<void> {
  store.now += 1;
  if (one.does === 'rename')
    await store.ok('update_group', { actor: 1, groupId: model.chatId, name: `at ${store.now}` });
  if (one.does === 'purge') {
    store.now += PURGE_MS;
    const end = await store.newest();
    while (await store.write.purge(store.now));
    expect(await store.newest()).toBe(end);
  }
  const asked = model.commandOf(one, store.now);
  const [outcome] = asked === undefined ? [] : await store.run(asked.command);
  if (outcome !== undefined) asked?.done(outcome);
}

const messageOf = (entry: PageEntry): Message => (entry.kind === 'message' ? entry : entry.message);

it('pages show what a list of the messages shows, at every offset and after every id', async () => {
  await fc.assert(
    fc.asyncProperty(
      history,
      fc.array(asked, { minLength: 10, maxLength: 10 }),
      async (batches, questions) => {
        const model = await happen(batches);
        const chat = model.chatId;
        for (const { offset, max, after: share, rooms, reader } of questions) {
          for (const view of VIEWS) {
            const page = { view, reacted: [] };
            const bounds = { ...UNBOUNDED, max };
            const newest = await value(
              store.read.newestFor(chat, reader, offset, bounds, NOTHING_KNOWN, page),
            );
            const expected = model.newest(view, offset, max);
            expect(newest?.messages, `${view}, offset ${offset}, max ${max}`).toEqual(expected);
            expect(newest?.own).toEqual(view === 'full' ? model.own(reader, expected) : new Set());
            const quotes = [...(newest?.quotes ?? [])].map(([id, { text }]) => [id, text] as const);
            expect(new Map(quotes)).toEqual(model.quotes(expected));

            const first = model.after('full', 0)[0]?.id ?? 1;
            const after = Math.floor(first - 1 + share * ((await store.newest()) - first + 3));
            const walked: PageEntry[] = [];
            for (;;) {
              const from = walked.at(-1)?.id ?? after;
              const within = { max, maxBytes: rooms };
              const next = await value(
                store.read.entriesFor(chat, reader, from, within, NOTHING_KNOWN, page),
              );
              if (next === undefined) throw new Error('the reader is not in the chat');
              expect(next.entries.length).toBeLessThanOrEqual(max);
              expect(next.own).toEqual(
                view === 'full' ? model.own(reader, next.entries.map(messageOf)) : new Set(),
              );
              walked.push(...next.entries);
              expect(next.isWhole).toBe((walked.at(-1)?.id ?? after) >= next.newest);
              if (next.isWhole) break;
              expect(next.entries.length).toBeGreaterThan(0);
            }
            expect(walked, `${view}, after ${after}, max ${max}`).toEqual(model.after(view, after));
          }
        }
      },
    ),
    { numRuns: 40 },
  );
});
