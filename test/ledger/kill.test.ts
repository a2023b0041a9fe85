import type { ChildProcess } from 'node:child_process';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CommandName, Commands } from '../../src/chat/commands.js';
import type { LinkClient } from '../../src/link/client.js';
import { linkPath } from '../../src/link/protocol.js';
import { openReader } from '../../src/store/sqlite/database.js';
import { connectLink, temporaryFolder } from '../support/ledger.js';
import { exitOf, launch, SECRET } from '../support/server.js';
import { until } from '../support/wait.js';

const ROUNDS = 6;
const COMMANDS_PER_ROUND = 60;

/** A way to the ledger on which answers can be lost. */
class LossyWay {
  readonly path: string;
  losing = false;
  readonly #server: Server;

  private constructor(path: string, ledgerPath: string) {
    this.path = path;
    this.#server = createServer((client) => {
      const ledger = connect(ledgerPath);
      client.pipe(ledger);
      ledger.on('data', (chunk) => {
        if (!this.losing) client.write(chunk);
      });
      for (const [side, other] of [
        [client, ledger],
        [ledger, client],
      ] as const) {
        side.on('error', () => side.destroy()).on('close', () => other.destroy());
      }
    });
  }

  static async open(dataDir: string): Promise<LossyWay> {
    const way = new LossyWay(join(dataDir, 'lossy.sock'), linkPath(dataDir));
    await new Promise<void>((resolve) => way.#server.listen(way.path, resolve));
    return way;
  }

  close(): void {
    this.#server.close();
  }
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ledger: ChildProcess;
let way: LossyWay;
let link: LinkClient;

beforeEach(async () => {
  folder = await temporaryFolder();
  ledger = startLedger();
  way = await LossyWay.open(folder.path);
  link = await connectLink(folder.path, way.path);
});
afterEach(async () => {
  link.close();
  way.close();
  await killLedger();
  await folder.remove();
});

/** The real process. */
function startLedger(): ChildProcess {
  return launch({ DATA_DIR: folder.path, JWT_SECRET: SECRET, LOG_LEVEL: 'warn' }, ['ledger']).process;
}

async function killLedger(): Promise<void> {
  ledger.kill('SIGKILL');
  await exitOf(ledger);
}

/** How many rows of each kind the database holds, read beside the ledger. */
function counts(): Record<
  'messages' | 'users' | 'groups' | 'chats' | 'added' | 'removed' | 'deleted',
  number
> {
  const db = openReader(folder.path);
  try {
    const count = (sql: string) => Number(db.prepare(sql).pluck().get());
    return {
      messages: count('SELECT count(*) FROM entry WHERE kind = 1'),
      users: count('SELECT count(*) FROM user'),
      chats: count("SELECT count(*) FROM chat WHERE type = 'private'"),
      groups: count("SELECT count(*) FROM chat WHERE type = 'group'"),
      added: count('SELECT count(*) FROM entry WHERE kind = 5'),
      removed: count('SELECT count(*) FROM entry WHERE kind = 6'),
      deleted: count('SELECT count(*) FROM chat WHERE deleted_at IS NOT NULL'),
    };
  } finally {
    db.close();
  }
}

describe('a ledger that is killed with unanswered commands', () => {
  it('has applied each command of every kind once when its successor has answered them all', async () => {
    const answers = new Map<string, unknown>();
    let unanswered = 0;
    let sent = 0;
    const submit = <K extends CommandName>(
      kind: K,
      command: Commands[K]['do'],
    ): Promise<Commands[K]['ok']> => {
      const key = `${kind} ${sent++}`;
      unanswered += 1;
      return link.submit(kind, command).then((ok) => {
        expect(answers.has(key)).toBe(false);
        answers.set(key, ok);
        unanswered -= 1;
        return ok;
      });
    };
    const profile = (id: number) => ({
      caller: { id },
      username: `user ${id}`,
      name: 'A user',
      description: '',
    });
    const group = { name: 'a group', description: '' };

    await Promise.all([1, 2, 3].map((id) => submit('create_user', profile(id))));
    const { id: chatId } = await submit('open_chat', { actor: 1, other: 2 });
    const reserved: number[] = [];
    let texts = 0;
    let appliedUnanswered = 0;

    for (let round = 0; round < ROUNDS; round++) {
      const work: Promise<unknown>[] = [];
      for (let n = 0; n < COMMANDS_PER_ROUND; n++) {
        const id = 1000 + round * COMMANDS_PER_ROUND + n;
        work.push(submit('post_message', { chatId, authorId: 1, text: `no client id ${texts++}` }));
        work.push(
          submit('post_message', { chatId, authorId: 2, text: `text ${texts++}`, clientId: `c${id}` }),
        );
        work.push(submit('create_user', profile(id)));
        work.push(submit('open_chat', { actor: 3, other: id }));
        work.push(submit('reserve_id', { of: 'chat' }).then(({ id: own }) => reserved.push(own)));
        work.push(
          submit('create_group', { actor: 1, ...group, users: [2] })
            .then(({ id: groupId }) =>
              submit('add_members', { actor: 1, groupId, users: [3] }).then(() => groupId),
            )
            .then((groupId) =>
              submit('remove_members', { actor: 1, groupId, users: [2, 3] }).then(() => groupId),
            )
            .then((groupId) => submit('delete_group', { actor: 1, groupId })),
        );
        if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      // Every other round the ledger dies with batches that it has applied and nobody has heard of.
      way.losing = round % 2 === 0;
      const answered = [...answers.keys()].filter((key) => key.startsWith('post_message')).length;
      if (way.losing) await until(() => counts().messages > answered + COMMANDS_PER_ROUND);
      await killLedger();
      if (way.losing && counts().messages > answered) appliedUnanswered += 1;
      way.losing = false;
      ledger = startLedger();
      await Promise.all(work);
    }

    const total = ROUNDS * COMMANDS_PER_ROUND;
    expect(unanswered).toBe(0);
    expect(answers.size).toBe(sent);
    expect(counts()).toEqual({
      messages: 2 * total,
      users: total + 3,
      chats: total + 1,
      groups: total,
      added: total,
      removed: total,
      deleted: total,
    });
    expect(new Set(reserved).size).toBe(total);
    expect(appliedUnanswered).toBe(ROUNDS / 2);
  });
});
