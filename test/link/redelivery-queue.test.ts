import { beforeEach, describe, expect, it } from 'vitest';
import type { Command, Outcome } from '../../src/chat/commands.js';
import {
  BATCH_COMMANDS_MAX,
  BATCHES_UNANSWERED_MAX,
  type BatchMessage,
  COMMANDS_PENDING_MAX,
  REDELIVERY_MS_MAX,
} from '../../src/link/protocol.js';
import { RedeliveryQueue } from '../../src/link/redelivery-queue.js';

const COMMAND: Command = { kind: 'reserve_id', of: 'user' };

let sent: BatchMessage[];
let outcomes: Outcome[];
let now: number;
let queue: RedeliveryQueue;
beforeEach(() => {
  sent = [];
  outcomes = [];
  now = 0;
  queue = new RedeliveryQueue(
    (batch) => sent.push(batch),
    () => now,
  );
});

function push(count = 1, command = COMMAND): void {
  for (let pushed = 0; pushed < count; pushed++) queue.push(command, (outcome) => outcomes.push(outcome));
}

const ids = (...all: number[]): Outcome[] => all.map((id) => ({ ok: { id } }));
const numbers = () => sent.map(({ number }) => number);

describe('commands', () => {
  it('leave in one batch, in order, and end with the outcomes of its answer', () => {
    queue.redeliver('one');
    push(1, { kind: 'reserve_id', of: 'chat' });
    push();
    queue.flush();
    const commands = [{ kind: 'reserve_id', of: 'chat' }, COMMAND];
    expect(sent).toEqual([{ type: 'batch', number: 1, confirmed: 0, crashes: 0, commands }]);
    expect(queue.commandsOf(1)).toEqual(commands);
    queue.answer(1, ids(7, 8));
    expect(outcomes).toEqual(ids(7, 8));
    expect(queue.size).toBe(0);
  });

  it('wait for a ledger', () => {
    push();
    queue.flush();
    expect(sent).toEqual([]);
    queue.redeliver('one');
    queue.flush();
    expect(numbers()).toEqual([1]);
  });

  it('end with `internal` when the answer has too few outcomes', () => {
    queue.redeliver('one');
    push(2);
    queue.flush();
    queue.answer(1, ids(7));
    expect(outcomes).toEqual([...ids(7), { error: 'internal' }]);
  });

  it('are refused beyond the bound', () => {
    push(COMMANDS_PENDING_MAX + 1);
    expect(outcomes).toEqual([{ error: 'overloaded' }]);
    expect(queue.size).toBe(COMMANDS_PENDING_MAX);
  });

  it('form no more unanswered batches than the bound, each of limited size', () => {
    queue.redeliver('one');
    push(BATCH_COMMANDS_MAX * (BATCHES_UNANSWERED_MAX + 1));
    queue.flush();
    expect(sent.map(({ commands }) => commands.length)).toEqual(
      Array.from({ length: BATCHES_UNANSWERED_MAX }, () => BATCH_COMMANDS_MAX),
    );
    queue.answer(1, []);
    queue.flush();
    expect(sent.at(-1)).toMatchObject({ number: BATCHES_UNANSWERED_MAX + 1, confirmed: 1 });
  });
});

describe('a batch without an answer', () => {
  beforeEach(() => {
    queue.redeliver('one');
    push();
    queue.flush();
  });

  it('is redelivered to the next ledger under its number', () => {
    queue.disconnected();
    push();
    queue.flush();
    expect(numbers()).toEqual([1]);
    queue.redeliver('two');
    queue.flush();
    expect(numbers()).toEqual([1, 1, 2]);
    expect(sent[1]).toMatchObject({ redelivered: true, crashes: 0 });
    expect(sent[2]).not.toHaveProperty('redelivered');
  });

  it('is not marked as redelivered to the same ledger', () => {
    queue.applying(1);
    queue.disconnected();
    queue.redeliver('one');
    expect(sent[1]).toMatchObject({ number: 1, crashes: 0 });
    expect(sent[1]).not.toHaveProperty('redelivered');
  });

  it('counts the ledgers that died while they applied it, each once', () => {
    queue.redeliver('two');
    queue.applying(1);
    queue.applying(1);
    queue.redeliver('three');
    queue.redeliver('four');
    queue.applying(1);
    queue.redeliver('five');
    expect(sent.map(({ crashes }) => crashes)).toEqual([0, 0, 1, 1, 2]);
  });

  it('ends with `timeout` when it is too old to be redelivered', () => {
    now += REDELIVERY_MS_MAX;
    queue.redeliver('two');
    expect(numbers()).toEqual([1, 1]);
    now += 1;
    queue.redeliver('three');
    expect(numbers()).toEqual([1, 1]);
    expect(outcomes).toEqual([{ error: 'timeout' }]);
  });
});

it('the second answer to a batch changes nothing', () => {
  queue.redeliver('one');
  push();
  queue.flush();
  queue.answer(1, ids(7));
  queue.answer(1, ids(8));
  queue.answer(2, ids(9));
  expect(outcomes).toEqual(ids(7));
  expect([queue.size, queue.commandsOf(1)]).toEqual([0, undefined]);
});

it('a queue that is closed ends what is pending, and refuses what comes', () => {
  queue.redeliver('one');
  push();
  queue.flush();
  push();
  queue.close();
  expect(outcomes).toEqual([{ error: 'timeout' }, { error: 'timeout' }]);
  push();
  queue.flush();
  expect(outcomes.at(-1)).toEqual({ error: 'unavailable' });
  expect([queue.size, sent.length]).toEqual([0, 1]);
});
