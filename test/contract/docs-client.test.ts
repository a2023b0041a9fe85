import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { wsUrl } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

interface KeptChat {
  readonly name: string;
  readonly unread: number;
  readonly messages: Map<number, Frame>;
}

/** The client of docs/api.md, as it stands there. */
interface Client {
  openChats(options: {
    url: string;
    getToken: () => Promise<string>;
    userId: number;
    chats: Map<number, KeptChat>;
    onChange: (frame: Frame) => void;
  }): { send(frame: object): void; close(): void };
}

let server: TestServer;
let folder: string;
let client: Client;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2 });
  folder = await mkdtemp(join(tmpdir(), 'parley-docs-'));
  const docs = readFileSync(fileURLToPath(new URL('../../docs/api.md', import.meta.url)), 'utf8');
  const [, code = ''] = /^```js\n(export function openChats.*?)^```$/ms.exec(docs) ?? [];
  await writeFile(join(folder, 'client.mjs'), code);
  client = await import(pathToFileURL(join(folder, 'client.mjs')).href);
  vi.stubGlobal('WebSocket', WebSocket);
  vi.spyOn(Math, 'random').mockReturnValue(0.02); // It reconnects after a tenth of a second.
});
afterAll(async () => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  await server.stop();
  await rm(folder, { recursive: true });
});

function open(user: TestUser) {
  const chats = new Map<number, KeptChat>();
  const frames: Frame[] = [];
  const opened = client.openChats({
    url: wsUrl(user, '/main'),
    getToken: async () => user.token,
    userId: user.id,
    chats,
    onChange: (frame) => frames.push(frame),
  });
  return { ...opened, chats, frames };
}

it('keeps all chats as they are, though workers die', async () => {
  const alice = await server.user('Alice');
  const bob = await server.user('Bob');
  const group = await alice.groupWith(bob);
  const [ours, theirs] = [open(alice), open(bob)];
  const kept = (side: typeof ours, chat = group) => [...(side.chats.get(chat)?.messages.values() ?? [])];
  await until(() => ours.chats.has(group) && theirs.chats.has(group));
  const ids: number[] = [];
  for (let n = 0; n < 12; n++) {
    const message = { text: `m${n}`, client_id: `m${n}` };
    // The connection may be one to the worker that died.
    const answer = () => alice.send('POST', `/group/${group}/message`, message).catch(() => undefined);
    const sent = await until(async () => {
      const found = await answer();
      return found?.status === 200 ? found : undefined;
    });
    ids.push(sent.body.message?.id ?? sent.body.id);
    if (n === 5) await server.kill('worker');
  }
  const [edited, deleted, liked] = ids;
  await alice.send('PATCH', `/message/${edited}`, { text: 'edited' });
  await alice.send('DELETE', `/message/${deleted}`);
  await bob.send('PUT', `/message/${liked}/reaction/${encodeURIComponent('👍')}`);
  const chat = await bob.chatWith(alice);
  await bob.send('PATCH', '/user', { name: 'Robert' });
  await alice.send('POST', `/chat/${chat}/message`, { text: 'last' });
  for (const side of [ours, theirs]) {
    await until(() => kept(side, chat).length === 1, 20_000);
    expect(kept(side).map(({ id }) => id)).toEqual(ids);
    const [first, second, third] = kept(side);
    expect(first).toMatchObject({ text: 'edited', version: 2 });
    expect(second).toMatchObject({ deleted: true });
    expect(third.reactions).toEqual([{ emoji: '👍', count: 1, me: side === theirs }]);
  }
  expect(ours.chats.get(chat)?.name).toBe('Robert');
  const newest = ids.at(-1) ?? 0;
  await until(() => theirs.chats.get(group)?.unread !== 0);
  theirs.send({ type: 'read', chat_id: group, id: newest });
  await until(() => theirs.chats.get(group)?.unread === 0, 20_000);
  for (const side of [ours, theirs]) side.close();
});
