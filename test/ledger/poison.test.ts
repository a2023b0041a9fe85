import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommitQueue } from '../../src/ledger/commit-queue.js';
import type { LinkClient } from '../../src/link/client.js';
import { connectLink, temporaryFolder } from '../support/ledger.js';
import { exitOf, launch, SECRET } from '../support/server.js';
import { until } from '../support/wait.js';

const DRIVER = createRequire(import.meta.url).resolve('better-sqlite3');
/** Loaded into the ledger: to store this text kills it. */
const POISON = `
import { createRequire } from 'node:module';
const Database = createRequire(import.meta.url)(${JSON.stringify(DRIVER)});
const prepare = Database.prototype.prepare;
Database.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql);
  if (!sql.startsWith('INSERT INTO entry')) return statement;
  const run = statement.run;
  statement.run = (...values) => {
    if (values.includes('poison')) process.kill(process.pid, 'SIGKILL');
    return run.apply(statement, values);
  };
  return statement;
};
`;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

describe('a command that kills the ledger', () => {
  let ledger: ChildProcess;
  let deaths: number;
  let stopped: boolean;
  const links: LinkClient[] = [];

  beforeEach(async () => {
    writeFileSync(join(folder.path, 'poison.mjs'), POISON);
    deaths = 0;
    stopped = false;
    start();
    for (let n = 0; n < 2; n++) links.push(await connectLink(folder.path));
  });
  afterEach(async () => {
    for (const link of links.splice(0)) link.close();
    stopped = true;
    ledger.kill('SIGKILL');
    await exitOf(ledger);
  });

  /** The real process, again and again. */
  function start(): void {
    const hook = `--import=${pathToFileURL(join(folder.path, 'poison.mjs')).href}`;
    const env = { DATA_DIR: folder.path, JWT_SECRET: SECRET, LOG_LEVEL: 'silent', NODE_OPTIONS: hook };
    ledger = launch(env, ['ledger']).process;
    void exitOf(ledger).then(() => {
      if (stopped) return;
      deaths += 1;
      start();
    });
  }

  it('is answered with timeout in the end, and those beside it are applied once', async () => {
    const [one, other] = links;
    if (one === undefined || other === undefined) throw new Error('no links');
    await one.submit('create_user', { caller: { id: 1 }, username: 'a', name: 'A', description: '' });
    const { id: chatId } = await one.submit('create_group', {
      actor: 1,
      name: 'g',
      description: '',
      users: [],
    });
    const say = (link: LinkClient, text: string) =>
      link.submit('post_message', { chatId, authorId: 1, text });

    const before = say(other, 'before it');
    const poison = expect(say(one, 'poison')).rejects.toMatchObject({ code: 'timeout' });
    await new Promise((resolve) => setImmediate(resolve)); // The next are in other batches.
    const beside = ['beside it', 'after it'].flatMap((text) => links.map((link) => say(link, text)));
    const answered = await Promise.all([before, ...beside]);
    await poison;
    expect(new Set(answered.map(({ id }) => id)).size).toBe(5);
    expect((await say(one, 'next')).id).toBe(Math.max(...answered.map(({ id }) => id)) + 1);
    // Once with whoever was there, once together, then alone.
    expect(deaths).toBe(4);
  });
});

describe('batches that a ledger died over', () => {
  it('are applied one by one, each announced before; others are not', async () => {
    const events: string[] = [];
    const queue = new CommitQueue(
      {
        apply: async (batches) => {
          events.push(`applies ${batches.map(({ number }) => number)}`);
          return { outcomes: batches.map(() => []), newest: 0 };
        },
        outcomesOf: () => undefined,
        probe: async () => undefined,
        purge: async () => false,
      },
      Date.now,
      {
        committed: () => undefined,
        failed: (error) => {
          throw error;
        },
        overloaded: () => false,
        refusal: () => undefined,
        probed: () => undefined,
        idle: () => events.push('idle'),
      },
    );
    const push = (number: number, crashes: number, redelivered: boolean) => {
      const batch = { worker: 'worker', number, confirmed: 0, crashes, commands: [] };
      queue.push(batch, () => undefined, redelivered ? () => events.push(`applying ${number}`) : undefined);
    };
    push(1, 0, false);
    push(2, 0, true);
    push(3, 1, true);
    push(4, 2, true);
    push(5, 0, false);
    push(6, 0, false);
    await until(() => events.includes('idle'));
    expect(events).toEqual([
      ...['applying 2', 'applies 1,2'],
      ...['applying 3', 'applies 3'],
      ...['applying 4', 'applies 4'],
      ...['applies 5,6', 'idle'],
    ]);
    await queue.close();
  });
});
