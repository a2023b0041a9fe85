import type { TemplatedApp, WebSocketBehavior } from 'uWebSockets.js';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CatchUp } from '../../../src/server/hub/catch-up/catch-up.js';
import { Hub } from '../../../src/server/hub/hub.js';
import { TokenExpiry } from '../../../src/server/websocket/token-expiry.js';
import { WebSockets } from '../../../src/server/websocket/websockets.js';
import { temporaryFolder } from '../../support/ledger.js';
import { MemoryHub } from '../../support/memory-bus.js';
import { overStore } from '../../support/over-store.js';
import { openSqlite } from '../../support/sqlite.js';
import { TestStore } from '../../support/store.js';
import { FakeTopics, FakeWire } from '../../support/wire.js';

const NOW_S = 1_700_000_000;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let store: TestStore;
let hub: Hub;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'Date'], now: NOW_S * 1000 });
  folder = await temporaryFolder();
  store = await TestStore.open(openSqlite, folder.path);
  await store.users(1);
});
afterEach(async () => {
  hub.close();
  store.close();
  vi.useRealTimers();
  await folder.remove();
});

const revoke = () => store.ok('revoke_tokens', { claim: '1', before: NOW_S });
const fail = (error: unknown) => {
  throw error;
};

describe('a socket whose upgrade came after an await, before it is attached', () => {
  let expiry: TokenExpiry;
  let wire: FakeWire;
  let behavior: WebSocketBehavior<unknown>;
  /** The engine has just opened it. */
  beforeEach(async () => {
    const topics = new FakeTopics();
    hub = await Hub.open(store.read, topics, new MemoryHub().join(), fail);
    expiry = new TokenExpiry(() => hub.everyone(), Date.now);
    const options = {
      hub,
      expiry,
      catchUp: new CatchUp(hub, fail),
      typing: { socketClosed: () => undefined },
    };
    const app = {
      ws: (_pattern: string, own: WebSocketBehavior<unknown>) => {
        behavior = own;
      },
    };
    new WebSockets(options as never).register(app as unknown as TemplatedApp);
    const target = { userId: 1, start: {}, endsAt: NOW_S + 1, issuedAt: NOW_S - 60 };
    const session = { target, late: true };
    wire = new FakeWire(topics, () => behavior.close?.(ws, 1000, new ArrayBuffer()));
    const ws = Object.assign(wire, { getUserData: () => session }) as never;
    behavior.open?.(ws);
  });
  afterEach(() => expiry.close());

  it('ends when its token is revoked', async () => {
    await revoke();
    hub.follower.whenCaughtUp(() => undefined);
    await nextTurn();
    expect(wire.ended).toEqual({ code: 4401, reason: 'token revoked' });
  });

  it('ends when its token expires', async () => {
    vi.setSystemTime((NOW_S + 2) * 1000);
    vi.advanceTimersByTime(250);
    await nextTurn();
    vi.advanceTimersByTime(1000);
    expect(wire.ended).toEqual({ code: 4401, reason: 'token expired' });
  });
});

it('what is revoked while a worker starts is revoked there', async () => {
  let revoked: Promise<unknown> | undefined;
  const read = overStore(store.read, {
    revocations: () => {
      const found = store.read.revocations();
      revoked ??= revoke();
      return found;
    },
  });
  hub = await Hub.open(read, new FakeTopics(), new MemoryHub().join(), fail);
  await revoked;
  hub.follower.whenCaughtUp(() => undefined);
  const identity = { caller: { id: 1 }, expiresAt: undefined, issuedAt: NOW_S - 1 };
  expect(hub.revocations.has(identity)).toBe(true);
});
