import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ChatSocket } from '../../../src/server/hub/sockets.js';
import { TokenExpiry } from '../../../src/server/websocket/token-expiry.js';
import { FakeTopics, FakeWire } from '../../support/wire.js';

const NOW_S = 1_700_000_000;
/** How often a worker looks. */
const LOOK_EVERY_MS = 250;

let sockets: ChatSocket[];
let expiry: TokenExpiry;
let looks: number;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'], now: NOW_S * 1000 });
  [sockets, looks] = [[], 0];
  const everyone = () => {
    looks += 1;
    return sockets;
  };
  expiry = new TokenExpiry(everyone, Date.now);
});
afterEach(() => {
  expiry.close();
  vi.useRealTimers();
});

/** A socket whose token expires in so many seconds; undefined: never. */
function open(seconds: number | undefined): FakeWire {
  const wire: FakeWire = new FakeWire(new FakeTopics(), () => {
    socket.state = 'closed';
  });
  const socket = new ChatSocket(wire, 1, 1, { after: 0 });
  sockets.push(socket);
  socket.endsAt = seconds && NOW_S + seconds;
  expiry.track(socket);
  return wire;
}

it('a socket ends with 4401 at the first look at which its token has expired, and not before', () => {
  const wire = open(2);
  vi.advanceTimersByTime(2000 - 1);
  expect(wire.ended).toBeUndefined();
  vi.advanceTimersByTime(LOOK_EVERY_MS);
  expect(wire.ended).toEqual({ code: 4401, reason: 'token expired' });
});

it('each socket ends for its own token', () => {
  const [last, first, second] = [open(3), open(1), open(2)];
  const ended = () => [first, second, last].map((wire) => wire.ended !== undefined);
  expect(ended()).toEqual([false, false, false]);
  for (const expected of [
    [true, false, false],
    [true, true, false],
    [true, true, true],
  ]) {
    vi.advanceTimersByTime(1000);
    expect(ended()).toEqual(expected);
  }
});

it('a socket that has brought a newer token stays for that', () => {
  const wire = open(1);
  sockets[0]?.stayFor({ endsAt: NOW_S + 5, issuedAt: NOW_S });
  vi.advanceTimersByTime(4000);
  expect(wire.ended).toBeUndefined();
  vi.advanceTimersByTime(1000 + LOOK_EVERY_MS);
  expect(wire.ended).toBeDefined();
});

it('an end after 2038 is one', () => {
  const [wire, never] = [open(2 ** 31), open(undefined)];
  vi.setSystemTime((NOW_S + 2 ** 31) * 1000 - 1);
  vi.advanceTimersByTime(LOOK_EVERY_MS);
  expect(wire.ended).toBeDefined();
  vi.setSystemTime(1e15);
  vi.advanceTimersByTime(LOOK_EVERY_MS);
  expect(never.ended).toBeUndefined();
});

it('a socket that never ends goes on when it brings a token that does', () => {
  const wire = open(undefined);
  sockets[0]?.stayFor({ endsAt: NOW_S + 1, issuedAt: NOW_S });
  expect(sockets[0]).toMatchObject({ endsAt: undefined, issuedAt: 0 });
  sockets[0]?.stayFor({ endsAt: undefined, issuedAt: NOW_S });
  sockets[0]?.stayFor({ endsAt: undefined, issuedAt: NOW_S - 1 });
  expect(sockets[0]).toMatchObject({ endsAt: undefined, issuedAt: NOW_S });
  vi.advanceTimersByTime(5000);
  expect(wire.ended).toBeUndefined();
});

it('while nobody’s token is about to expire, nobody is looked at', () => {
  open(60);
  vi.advanceTimersByTime(50_000);
  expect(looks).toBe(0);
});
