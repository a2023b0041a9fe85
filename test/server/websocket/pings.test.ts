import type { TemplatedApp, WebSocketBehavior } from 'uWebSockets.js';
import { expect, it } from 'vitest';
import { ChatSocket } from '../../../src/server/hub/sockets.js';
import { WebSockets } from '../../../src/server/websocket/websockets.js';
import { FakeTopics, FakeWire } from '../../support/wire.js';

it('a ping is answered before the socket has its history', () => {
  let behavior: WebSocketBehavior<unknown> = {};
  const app = {
    ws: (_pattern: string, own: WebSocketBehavior<unknown>) => {
      behavior = own;
    },
  };
  const admission = { admitFrame: () => true, admitControlFrame: () => true };
  new WebSockets({ admission } as never).register(app as unknown as TemplatedApp);
  const wire = new FakeWire(new FakeTopics(), () => undefined);
  const socket = new ChatSocket(wire, 1, 1, { limit: 100, offset: 0 });
  expect(socket.state).toBe('opening');
  const ping = new TextEncoder().encode('{"type":"ping","id":"a"}').buffer;
  behavior.message?.({ getUserData: () => ({ socket, caller: { id: 1 } }) } as never, ping, false);
  expect(wire.frames).toEqual([{ type: 'pong', id: 'a' }]);
});
