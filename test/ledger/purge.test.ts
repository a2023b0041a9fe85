import { randomUUID } from 'node:crypto';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command, Outcome } from '../../src/chat/commands.js';
import { CommitQueue } from '../../src/ledger/commit-queue.js';
import { databaseFile } from '../../src/store/sqlite/database.js';
import { type LedgerStore, openWriteStore } from '../../src/store/sqlite/write/ledger-store.js';
import { temporaryFolder } from '../support/ledger.js';
import { say } from '../support/store.js';
import { until } from '../support/wait.js';

const MEMBERS = 1500;
const MESSAGES = 2500;
const fail = (error: unknown) => {
  throw error;
};

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: LedgerStore;
let queue: CommitQueue;
let database: Database.Database;
let clock = 1_700_000_000_000;
let batches = 0;
let idle = 0;
const worker = randomUUID();
let number = 0;

beforeEach(async () => {
  folder = await temporaryFolder();
  store = openWriteStore(folder.path, clock, fail);
  queue = new CommitQueue(store, () => clock, {
    committed: () => {
      batches += 1;
    },
    failed: fail,
    overloaded: () => false,
    refusal: () => undefined,
    probed: () => undefined,
    idle: () => {
      idle += 1;
    },
  });
  database = new Database(databaseFile(folder.path), { readonly: true });
});
afterEach(async () => {
  await queue.close();
  database.close();
  store.close();
  await folder.remove();
});

/** Pushes one batch through the queue and resolves to its outcomes. */
function run(...commands: Command[]): Promise<readonly Outcome[]> {
  number += 1;
  const batch = { worker, number, confirmed: number - 1, crashes: 0, commands };
  return new Promise((resolve) => queue.push(batch, resolve));
}

/** Asks while it should; the next batch is there before the queue has finished with the one before. */
function keepAsking(should: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const ask = () => {
      if (!should()) return resolve();
      number += 1;
      const commands: Command[] = [{ kind: 'reserve_id', of: 'user' }];
      queue.push({ worker, number, confirmed: number - 1, crashes: 0, commands }, ask);
    };
    ask();
  });
}

/** Messages and members of a chat that are still stored. */
function left(chat: number): { messages: number; members: number } {
  const count = (sql: string) => database.prepare<[number], number>(sql).pluck().get(chat) ?? -1;
  return {
    messages: count('SELECT count(*) FROM entry WHERE chat_id = ? AND kind = 1'),
    members: count('SELECT count(*) FROM member WHERE chat_id = ?'),
  };
}

async function group(): Promise<number> {
  const users = Array.from({ length: MEMBERS }, (_, n) => n + 1);
  const profiles = users.map((id): Command => {
    return { kind: 'create_user', caller: { id }, username: `user-${id}`, name: 'User', description: '' };
  });
  await run(...profiles);
  const [made] = await run({ kind: 'create_group', actor: 1, name: 'g', description: '', users });
  if (made === undefined || 'error' in made) throw new Error('no group');
  const { id } = made.ok as { id: number };
  await run(...Array.from({ length: MESSAGES }, (_, n) => say(id, 1, `message ${n}`)));
  return id;
}

describe('a deleted group', () => {
  it.each([
    ['while nobody asks for anything', false],
    ['while commands keep coming without a pause', true],
  ])('is purged of its messages and members a minute later, %s', async (_when, busy) => {
    const [gone, kept] = [await group(), await otherGroup()];
    await run({ kind: 'delete_group', actor: 1, groupId: gone });
    expect(left(gone)).toEqual({ messages: MESSAGES, members: MEMBERS });

    let speaking = busy;
    const sent = { idle, batches };
    const spoken = keepAsking(() => speaking);
    clock += 61_000;
    await until(() => left(gone).messages === 0 && left(gone).members === 0);
    if (busy) {
      expect(idle).toBe(sent.idle);
      expect(batches).toBeGreaterThan(sent.batches + 10);
    }
    speaking = false;
    await spoken;
    expect(left(kept)).toMatchObject({ members: 1 });
  });

  it('is whole for a minute', async () => {
    const gone = await group();
    await run({ kind: 'delete_group', actor: 1, groupId: gone });
    clock += 59_000;
    let looks = 0;
    const { purge } = store;
    store.purge = async (now) => {
      looks += 1;
      return purge.call(store, now);
    };
    await until(() => looks === 2);
    expect(left(gone)).toEqual({ messages: MESSAGES, members: MEMBERS });
  });
});

async function otherGroup(): Promise<number> {
  const [made] = await run({ kind: 'create_group', actor: 1, name: 'kept', description: '', users: [] });
  if (made === undefined || 'error' in made) throw new Error('no group');
  return (made.ok as { id: number }).id;
}

it('a queue that is closed while it purges writes nothing more', async () => {
  let looks = 0;
  let closed: Promise<void> | undefined;
  const closing = new CommitQueue(
    store,
    () => {
      looks += 1;
      closed ??= closing.close();
      return clock;
    },
    {
      committed: () => undefined,
      failed: fail,
      overloaded: () => false,
      refusal: () => undefined,
      probed: () => undefined,
      idle: () => undefined,
    },
  );
  await until(() => looks > 0);
  await closed;
  // The other queue, begun earlier, has its turn once a second: two of its turns are two that did not come here.
  const turns = idle;
  await until(() => idle >= turns + 2);
  expect(looks).toBe(1);
});
