import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LinkClient } from '../../src/link/client.js';
import {
  BATCH_COMMANDS_MAX,
  BATCHES_UNANSWERED_MAX,
  COMMANDS_PENDING_MAX,
  encode,
  LINK_VERSION,
  lineReader,
  REDELIVERY_MS_MAX,
  type ToLedger,
  type ToWorker,
} from '../../src/link/protocol.js';
import { SCHEMA_VERSION } from '../../src/store/sqlite/upkeep/migrations.js';
import { temporaryFolder } from '../support/ledger.js';
import { until } from '../support/wait.js';

type BatchMessage = ToLedger & { type: 'batch' };

/** Ledgers, one after the other, that send what the test tells them to send. */
class ScriptedLedgers {
  readonly batches: BatchMessage[] = [];
  readonly #server: Server;
  #incarnation = 1;
  #socket: Socket | undefined;

  private constructor() {
    this.#server = createServer((socket) => {
      this.#socket = socket;
      socket.on('error', () => undefined);
      const read = lineReader<ToLedger>((message) => {
        if (message.type === 'batch') this.batches.push(message);
        if (message.type !== 'hello') return;
        const greeting = { schema: SCHEMA_VERSION, incarnation: String(this.#incarnation), newest: 0 };
        this.say({ type: 'hello', version: LINK_VERSION, ...greeting });
      });
      socket.setEncoding('utf8').on('data', read);
    });
  }

  static async open(path: string): Promise<ScriptedLedgers> {
    const ledgers = new ScriptedLedgers();
    await new Promise<void>((resolve) => ledgers.#server.listen(path, resolve));
    return ledgers;
  }

  say(message: ToWorker): void {
    this.#socket?.write(encode(message));
  }

  /** Breaks the connection. The same ledger accepts the next one. */
  hangUp(): void {
    this.#socket?.end();
  }

  /** Ends this ledger after what it has sent. The next ledger accepts connections at once. */
  die(): void {
    this.#incarnation += 1;
    this.hangUp();
  }

  async close(): Promise<void> {
    this.#socket?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ledgers: ScriptedLedgers;
let link: LinkClient;
let now: number;
beforeEach(async () => {
  folder = await temporaryFolder();
  const path = join(folder.path, 'scripted.sock');
  ledgers = await ScriptedLedgers.open(path);
  now = 0;
  link = new LinkClient({
    path,
    accept: () => undefined,
    fatal: (error) => {
      throw error;
    },
    warn: () => undefined,
    position: () => 0,
    now: () => now,
  });
  await link.connect();
});
afterEach(async () => {
  link.close();
  await ledgers.close();
  await folder.remove();
});

/** The batches that came so far, once there are so many. */
async function timesSent(count: number): Promise<BatchMessage[]> {
  await until(() => ledgers.batches.length === count);
  return ledgers.batches;
}

describe('a batch without an answer', () => {
  it('is redelivered to each ledger, and counts those that died while they applied it', async () => {
    const answered = link.submit('reserve_id', { of: 'user' });
    expect((await timesSent(1)).at(-1)).toMatchObject({ number: 1, crashes: 0 });
    expect(ledgers.batches[0]).not.toHaveProperty('redelivered');
    // Ledgers that die without having begun on this batch do not count.
    for (let sent = 2; sent <= 6; sent++) {
      ledgers.die();
      expect((await timesSent(sent)).at(-1)).toMatchObject({ number: 1, crashes: 0, redelivered: true });
    }
    for (let crashes = 1; crashes <= 3; crashes++) {
      ledgers.say({ type: 'applying', number: 1 });
      ledgers.say({ type: 'applying', number: 1 });
      ledgers.die();
      expect((await timesSent(6 + crashes)).at(-1)).toMatchObject({ number: 1, crashes, redelivered: true });
    }
    ledgers.say({ type: 'outcomes', number: 1, outcomes: [{ ok: { id: 7 } }] });
    expect(await answered).toEqual({ id: 7 });
  });

  it('does not count a ledger that is still there', async () => {
    const answered = link.submit('reserve_id', { of: 'user' });
    await timesSent(1);
    ledgers.say({ type: 'applying', number: 1 });
    ledgers.hangUp();
    expect((await timesSent(2)).at(-1)).toMatchObject({ crashes: 0 });
    expect(ledgers.batches[1]).not.toHaveProperty('redelivered');
    ledgers.say({ type: 'outcomes', number: 1, outcomes: [{ ok: { id: 7 } }] });
    await answered;
  });

  it('is given up, its outcome unknown, when the ledger may have forgotten it', async () => {
    const old = expect(link.submit('reserve_id', { of: 'user' })).rejects.toMatchObject({ code: 'timeout' });
    await timesSent(1);
    now += REDELIVERY_MS_MAX;
    const young = link.submit('reserve_id', { of: 'chat' });
    await timesSent(2);
    ledgers.die();
    await timesSent(4);
    now += 1;
    ledgers.die();
    await old;
    expect((await timesSent(5)).map(({ number }) => number)).toEqual([1, 2, 1, 2, 2]);
    expect(ledgers.batches[4]).toMatchObject({ confirmed: 1 });
    ledgers.say({ type: 'outcomes', number: 2, outcomes: [{ ok: { id: 9 } }] });
    expect(await young).toEqual({ id: 9 });
  });
});

describe('commands without an answer', () => {
  it('are at most so many: others are refused for now, until some are answered', async () => {
    const some = Array.from({ length: COMMANDS_PENDING_MAX }, () =>
      link.submit('reserve_id', { of: 'user' }),
    );
    const refused = await link.submit('reserve_id', { of: 'user' }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'overloaded', details: { retry_after_ms: 1000 } });
    for (let answered = 0; answered < COMMANDS_PENDING_MAX / BATCH_COMMANDS_MAX; answered++) {
      const batch = await until(() => ledgers.batches[answered]);
      expect(ledgers.batches.length - answered).toBeLessThanOrEqual(BATCHES_UNANSWERED_MAX);
      ledgers.say({
        type: 'outcomes',
        number: batch.number,
        outcomes: batch.commands.map(() => ({ ok: { id: 1 } })),
      });
    }
    await Promise.all(some);
    const later = link.submit('reserve_id', { of: 'user' });
    const last = await until(() => ledgers.batches[COMMANDS_PENDING_MAX / BATCH_COMMANDS_MAX]);
    ledgers.say({ type: 'outcomes', number: last.number, outcomes: [{ ok: { id: 2 } }] });
    expect(await later).toEqual({ id: 2 });
  });
});
