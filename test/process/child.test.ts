import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Child } from '../../src/process/child.js';
import { EXIT_STORAGE_FAILED } from '../../src/process/lifecycle.js';
import { until } from '../support/wait.js';

/** A process that does what the test says, and nothing when it is killed. */
class FakeProcess extends EventEmitter {
  readonly pid = 1;
  readonly connected = true;
  readonly exitCode = null;
  signalCode: string | null = null;

  kill(): boolean {
    return true;
  }

  becomesReady(): void {
    this.emit('message', { type: 'ready' });
  }

  ends(): void {
    this.signalCode = 'SIGKILL';
    this.emit('exit', null, 'SIGKILL');
  }

  endsWith(code: number): void {
    this.emit('exit', code, null);
  }
}

let processes: FakeProcess[];
let child: Child;
beforeEach(() => {
  processes = [];
  const start = () => {
    const process = new FakeProcess();
    processes.push(process);
    return process as unknown as ChildProcess;
  };
  child = new Child('a child', start, () => undefined);
});

/** Whether a promise has resolved, asked a turn of the event loop later. */
async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await nextTurn();
  return done;
}

describe('a process that becomes ready while SIGKILL is on its way', () => {
  it('is not what a restart waits for', async () => {
    void child.start();
    const restarted = child.restart(1000);
    processes[0]?.becomesReady();
    processes[0]?.ends();
    expect(processes).toHaveLength(2);
    expect(await isDone(restarted)).toBe(false);
    processes[1]?.becomesReady();
    await restarted;
  });

  it('does not count as started when it is stopped for good', async () => {
    const started = child.start();
    const stopped = child.stop(0);
    processes[0]?.becomesReady();
    processes[0]?.ends();
    await stopped;
    expect(await isDone(started)).toBe(false);
    expect(processes).toHaveLength(1);
  });
});

describe('a process that has ended when it is to restart', () => {
  it('is started once', async () => {
    void child.start();
    processes[0]?.becomesReady();
    processes[0]?.ends();
    const restarted = child.restart(1000);
    await until(() => processes.length > 1);
    processes[1]?.becomesReady();
    await restarted;
    expect(processes).toHaveLength(2);
  });
});

describe('a process that ends unasked', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    void child.start();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** Whether it is started again after this time, and not sooner. */
  function isStartedAfter(ms: number): boolean {
    const { length } = processes;
    if (ms > 0) vi.advanceTimersByTime(ms - 1);
    const early = processes.length > length;
    vi.advanceTimersByTime(1);
    return !early && processes.length === length + 1;
  }

  it('is started again at once, however often, when it had been ready', () => {
    for (let time = 0; time < 20; time++) {
      processes.at(-1)?.becomesReady();
      processes.at(-1)?.ends();
      expect(isStartedAfter(0)).toBe(true);
    }
  });

  it('is started again later each time, up to 5 s, when it had not been ready', () => {
    for (const ms of [100, 200, 400, 800, 1600, 3200, 5000, 5000]) {
      processes.at(-1)?.ends();
      expect(isStartedAfter(ms)).toBe(true);
    }
    processes.at(-1)?.becomesReady();
    processes.at(-1)?.ends();
    expect(isStartedAfter(0)).toBe(true);
    processes.at(-1)?.ends();
    expect(isStartedAfter(100)).toBe(true);
  });

  it('is started again after a second when its storage has failed', () => {
    processes.at(-1)?.becomesReady();
    processes.at(-1)?.endsWith(EXIT_STORAGE_FAILED);
    expect(isStartedAfter(1000)).toBe(true);
  });
});
