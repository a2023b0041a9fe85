import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import type { Message } from '../../../src/chat/messages.js';
import { say } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';

const all = () => true;

export function history(store: CurrentStore): void {
  /** Random chats that talk in turns of random length, beside entries of other kinds: what was said, by chat. */
  async function talk(random: () => number): Promise<Map<number, Message[]>> {
    await store().users(3);
    const said = new Map<number, Message[]>();
    for (let n = 0; n < 5; n++) {
      const group = { actor: 1, name: `g${n}`, description: '', users: [2] };
      said.set((await store().ok('create_group', group)).id, []);
    }
    const chats = [...said.keys()];
    for (let turn = 0; turn < 40; turn++) {
      const chat = chats[Math.floor(random() ** 2 * chats.length)] ?? 0;
      const length = 1 + Math.floor(random() ** 3 * 60);
      const commands: Command[] = Array.from({ length }, (_, n) => say(chat, 1 + (n % 2), `${turn} ${n}`));
      const member = { actor: 1, groupId: chat, users: [3] } as const;
      commands.splice(Math.floor(random() * length), 0, { kind: 'add_members', ...member });
      commands.push({ kind: 'remove_members', ...member });
      store().now += 1;
      const outcomes = await store().run(...commands);
      outcomes.forEach((outcome, index) => {
        const command = commands[index];
        if (command?.kind !== 'post_message' || !('ok' in outcome) || !('id' in outcome.ok)) return;
        const { chatId, authorId, text } = command;
        said
          .get(chat)
          ?.push({ id: outcome.ok.id, chatId, authorId, text, time: store().now, clientId: null });
      });
      if (turn % 10 === 9) await store().reopen();
    }
    return said;
  }

  describe('the history', () => {
    it.each([1, 2, 3])('at every offset is what was said there (seed %d)', async (seed) => {
      const said = await talk(randomOf(seed));
      expect([...said.values()].flat().length).toBeGreaterThan(300);
      store().see((view) => {
        for (const [chat, model] of said) {
          expect(view.newestMessage(chat)).toEqual(model.at(-1));
          for (let offset = 0; offset <= model.length + 2; offset++) {
            const end = Math.max(0, model.length - offset);
            for (const limit of [0, 1, 2, 63, 64, 65, 1000]) {
              const page = view.messagesBefore(chat, offset, limit, all);
              const expected = model.slice(Math.max(0, end - limit), end);
              expect(page, `chat ${chat}, offset ${offset}, limit ${limit}`).toEqual({
                messages: expected,
                more: false,
              });
            }
          }
          expect(view.messagesBefore(chat, Number.MAX_SAFE_INTEGER, 10, all).messages).toEqual([]);
        }
        expect(view.messagesBefore(999, 0, 10, all)).toEqual({ messages: [], more: false });
      });
    });

    it('after any id is what was said since, page by page', async () => {
      const said = await talk(randomOf(4));
      store().see((view) => {
        for (const [chat, model] of said) {
          for (let after = 0; after <= view.newest() + 1; after += 3) {
            const expected = model.filter(({ id }) => id > after);
            for (const limit of [1, 64, 1000]) {
              const page = view.messagesAfter(chat, after, limit, all);
              expect(page.messages).toEqual(expected.slice(0, limit));
              expect(page.more).toBe(expected.length > limit);
            }
          }
          for (const limit of [1, 7, 64, 100]) {
            const read: Message[] = [];
            for (let more = true; more; ) {
              const page = view.messagesAfter(chat, read.at(-1)?.id ?? 0, limit, all);
              read.push(...page.messages);
              more = page.more;
            }
            expect(read, `pages of ${limit}`).toEqual(model);
          }
        }
      });
    });

    it('holds as many messages as fit, the newest ones, and says that there are more', async () => {
      const chat = await store().group(1);
      const texts = Array.from({ length: 200 }, (_, n) => String(n));
      await store().run(...texts.map((text) => say(chat, 1, text)));
      /** Room for so many, asked in the order in which they come. */
      const room = (count: number) => {
        let left = count;
        return () => left-- > 0;
      };
      store().see((view) => {
        const upTo = (count: number, offset = 0, limit = 1000) => {
          const { messages, more } = view.messagesBefore(chat, offset, limit, room(count));
          return [messages.map(({ text }) => text), more];
        };
        expect(upTo(70)).toEqual([texts.slice(130), true]);
        expect(upTo(70, 50)).toEqual([texts.slice(80, 150), true]);
        expect(upTo(0)).toEqual([texts.slice(199), true]);
        expect(upTo(200)).toEqual([texts, false]);
        expect(upTo(70, 0, 70)).toEqual([texts.slice(130), false]);
        expect(upTo(70, 190)).toEqual([texts.slice(0, 10), false]);

        const from = (count: number, limit = 1000) => {
          const { messages, more } = view.messagesAfter(chat, 0, limit, room(count));
          return [messages.map(({ text }) => text), more];
        };
        expect(from(70)).toEqual([texts.slice(0, 70), true]);
        expect(from(0)).toEqual([texts.slice(0, 1), true]);
        expect(from(200)).toEqual([texts, false]);
        expect(from(1000, 200)).toEqual([texts, false]);
        expect(from(1000, 199)).toEqual([texts.slice(0, 199), true]);
      });
    });

    it('knows whether an author said something since', async () => {
      const chat = await store().group(3);
      const ids: number[] = [];
      for (const author of [1, 2, 1]) {
        ids.push((await store().ok('post_message', { chatId: chat, authorId: author, text: 'x' })).id);
      }
      const [first = 0, second = 0, third = 0] = ids;
      store().see((view) => {
        const since = (author: number, after: number) => view.hasMessageAfter(chat, author, after);
        expect([since(1, 0), since(1, first), since(1, second), since(1, third)]).toEqual([
          true,
          true,
          true,
          false,
        ]);
        expect([since(2, first), since(2, second), since(3, 0)]).toEqual([true, false, false]);
        expect(view.hasMessageAfter(chat + 1, 1, 0)).toBe(false);
      });
    });
  });
}

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
