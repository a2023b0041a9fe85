import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/chat/commands.js';
import { Random } from '../../../src/prove/random.js';
import type { At, Known, Loaded } from '../../../src/store/read-store.js';
import type { WriteStore } from '../../../src/store/write-store.js';
import { NOTHING_KNOWN, NOTHING_LACKS, say, UNBOUNDED } from '../../support/store.js';
import type { CurrentStore } from '../store-contract.js';

const ROUNDS = 150;
const SUBJECT = 'a subject';

export function positions(store: CurrentStore): void {
  /** Every question that has a position, about one group and its users 1 and 2. */
  const questions = (group: number) => {
    const { read } = store();
    return {
      user: () => read.user(1),
      users: () => read.users([1]),
      userOfSubject: () => read.userOfSubject(SUBJECT),
      revocations: () => read.revocations(),
      timeOf: () => read.timeOf(1),
      chatFor: () => read.chatFor(group, 2),
      membersFor: () => read.membersFor(group, 1),
      roomsOf: () => read.roomsOf(2, NOTHING_KNOWN),
      someRooms: () => read.roomsOf(2, NOTHING_KNOWN, [group]),
      listOf: () => read.listOf(2, NOTHING_KNOWN, (rooms) => rooms),
      unreadFor: () => read.unreadFor(group, 2),
      readersFor: () => read.readersFor(group, 1, true),
      chatsCount: () => read.chatsCount(2),
      groupsOf: () => read.groupsOf(2),
      memberFor: () => read.memberFor(group, 2, 0),
      newestFor: () => read.newestFor(group, 1, 0, UNBOUNDED, NOTHING_KNOWN),
      entriesFor: () => read.entriesFor(group, 1, 0, UNBOUNDED, NOTHING_KNOWN),
    } satisfies Record<string, () => Loaded<unknown>>;
  };
  type Question = keyof ReturnType<typeof questions>;
  type Answers = { readonly [Q in Question]: Awaited<ReturnType<ReturnType<typeof questions>[Q]>> };

  /** All the answers while nothing is written. */
  async function answers(group: number): Promise<Answers> {
    const asked = Object.entries(questions(group)).map(async ([name, ask]) => [name, await ask()]);
    return Object.fromEntries(await Promise.all(asked)) as Answers;
  }

  describe('an answer', () => {
    it("says that it is true at the log's end, also of what is not there", async () => {
      await store().users(2);
      const at = async (...asked: Loaded<unknown>[]) =>
        (await Promise.all(asked)).map(({ position }) => position);
      const { read } = store();
      for (const group of [1000, await store().group(2), 1001]) {
        const newest = await store().newest();
        const found = Object.values(await answers(group)).map(({ position }) => position);
        expect(found).toEqual(found.map(() => newest));
        const missing = [read.user(99), read.users([]), read.chatsCount(99), read.chatFor(group, 99)];
        expect(await at(...missing)).toEqual(missing.map(() => newest));
      }
    });

    it('is true at its position, which is no older than the question, while others write', async () => {
      const random = new Random('positions');
      const group = await store().group(2);
      /** The answers at every position, as they were when it was the log's end. */
      const truth = new Map<number, Answers>();
      const asked: { question: Question; from: number; answer: Promise<At<unknown>> }[] = [];
      const note = async () => truth.set(await store().newest(), await answers(group));
      let isIn = true;
      const change = (n: number): Command => {
        const members = { actor: 1, groupId: group, users: [2] };
        switch (random.from(0, 7)) {
          case 0:
            return { kind: 'update_group', actor: 1, groupId: group, name: `g${n}` };
          case 1:
            return { kind: 'update_user', actor: 1, name: `name ${n}` };
          case 2:
            isIn = !isIn;
            return { kind: isIn ? 'add_members' : 'remove_members', ...members };
          case 3:
            return { kind: 'create_group', actor: 2, name: `h${n}`, description: '', users: [] };
          case 4:
            return { kind: 'revoke_tokens', claim: String(n % 5), before: n };
          case 5:
            return {
              ...{ kind: 'create_user', caller: { subject: n === 0 ? SUBJECT : `s${n}` }, username: `s${n}` },
              ...{ name: 'S', description: '' },
            };
          default:
            return say(group, 1, `message ${n}`);
        }
      };
      const commands = Array.from({ length: ROUNDS }, (_, n) => change(n));
      // Each command adds one entry. Everything is looked at after each while nothing is written; the other questions
      // are asked before a command, and answered before or after it.
      await note();
      for (const command of commands) {
        const all = questions(group);
        for (const question of Object.keys(all) as Question[]) {
          if (!random.chance(0.2)) continue;
          const from = store().write.newest();
          asked.push({ question, from, answer: Promise.resolve(all[question]()) });
        }
        const before = store().write.newest();
        const [outcome] = await store().run(command);
        expect(outcome).toHaveProperty('ok');
        expect(store().write.newest()).toBe(before + 1);
        await note();
      }
      for (const { question, from, answer } of asked) {
        const { position, value } = await answer;
        expect(position, question).toBeGreaterThanOrEqual(from);
        expect(value, `${question} at ${position}`).toEqual(truth.get(position)?.[question].value);
      }
      expect(asked.length).toBeGreaterThan(ROUNDS);
    });

    it('is about one moment, also when somebody writes while it is put together', async () => {
      await store().users(1);
      const group = { actor: 1, name: 'before', description: '', users: [] };
      const { id: first } = await store().ok('create_group', group);
      const { id: second } = await store().ok('create_group', group);
      await store().run(say(first, 1, 'before'), say(second, 1, 'before'));
      const after = store().batch(
        [first, second].flatMap((groupId): Command[] => [
          { kind: 'update_group', actor: 1, groupId, name: 'after' },
          say(groupId, 1, 'after'),
        ]),
      );
      let applied: ReturnType<WriteStore['apply']> | undefined;
      const known: Known = {
        ...NOTHING_KNOWN,
        newestMessage() {
          // The first group is read by now. Where applying is synchronous inside, as in SQLite, this commits before
          // its newest message and the second group are.
          applied ??= store().write.apply([after], store().now);
          return undefined;
        },
      };
      const { value, position } = await store().read.roomsOf(1, known);
      const written = await applied;
      const text = written !== undefined && position >= written.newest ? 'after' : 'before';
      expect(value.rooms).toMatchObject([
        { chat: { id: first, name: text }, newest: { text } },
        { chat: { id: second, name: text }, newest: { text } },
      ]);
      expect(await store().newest()).toBe(written?.newest);
    });

    it('of the log is what follows, with users as new as its entries, while others write', async () => {
      const chat = await store().group(1);
      const pages: { after: number; from: number; page: Promise<Awaited<ReturnType<typeof ask>>> }[] = [];
      const ask = async (after: number) =>
        store().read.log(after, UNBOUNDED, { ...NOTHING_LACKS, author: () => true });
      for (let n = 0; n < ROUNDS; n++) {
        const from = store().write.newest();
        const after = Math.max(0, from - (n % 7));
        pages.push({ after, from, page: ask(after) });
        await store().run({ kind: 'update_user', actor: 1, name: String(n) }, say(chat, 1, String(n)));
        if (n % 3 === 0) await turn();
      }
      const all = await store().entries();
      const numbers = new Map<number, number>();
      for (const entry of all) if (entry.kind === 'message') numbers.set(entry.id, Number(entry.text));
      for (const { after, from, page } of pages) {
        const { entries, users } = await page;
        const last = entries.at(-1)?.id ?? after;
        expect(last).toBeGreaterThanOrEqual(from);
        expect(entries).toEqual(all.filter(({ id }) => id > after && id <= last));
        const newest = Math.max(...entries.map(({ id }) => numbers.get(id) ?? -1));
        if (newest >= 0) expect(Number(users.get(1)?.name)).toBeGreaterThanOrEqual(newest);
      }
    });
  });
}
