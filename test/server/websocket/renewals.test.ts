import type { TemplatedApp, WebSocketBehavior } from 'uWebSockets.js';
import { expect, it } from 'vitest';
import { MainSocket } from '../../../src/server/hub/sockets.js';
import { WebSockets } from '../../../src/server/websocket/websockets.js';
import { FakeTopics, FakeWire } from '../../support/wire.js';

it('of one socket’s new tokens only so many are checked at a time', () => {
  let checked = 0;
  const auth = {
    verifyNow: () => undefined,
    verify: () => {
      checked += 1;
      return new Promise(() => undefined);
    },
  };
  let behavior: WebSocketBehavior<unknown> = {};
  const app = {
    ws: (_pattern: string, own: WebSocketBehavior<unknown>) => {
      behavior = own;
    },
  };
  new WebSockets({
    auth,
    admission: { admitFrame: () => true, refusals: { countError: () => undefined } },
  } as never).register(app as unknown as TemplatedApp);
  const wire = new FakeWire(new FakeTopics(), () => undefined);
  const session = { socket: new MainSocket(wire, 1, undefined), caller: { id: 1 }, renewals: 0 };
  const frame = new TextEncoder().encode('{"type":"auth","token":"a.b.c"}').buffer;
  for (let sent = 0; sent < 15; sent++)
    behavior.message?.({ getUserData: () => session } as never, frame, false);
  expect(checked).toBe(10);
  expect(wire.frames.map(({ code }) => code)).toEqual(Array.from({ length: 5 }, () => 'overloaded'));
});
