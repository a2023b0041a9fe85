import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { numbered, wsUrl } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

/** The client of the README, as it stands there. */
interface Client {
  openChat(options: {
    url: string;
    getToken: () => Promise<string>;
    onMessage: (message: Frame) => void;
    onForget: () => void;
    onEnd: (code: number) => void;
  }): { say(text: string): void; close(): void };
}

let server: TestServer;
let folder: string;
let client: Client;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2, env: { MESSAGES_PER_SECOND_PER_USER_MAX: '20' } });
  folder = await mkdtemp(join(tmpdir(), 'parley-readme-'));
  const readme = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
  const [, code = ''] = /^```js\n(.*?)^```$/ms.exec(readme) ?? [];
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

function open(user: TestUser, path: string) {
  const heard: Frame[] = [];
  let ended: number | undefined;
  const chat = client.openChat({
    url: wsUrl(user, path),
    getToken: async () => user.token,
    onMessage: (message) => heard.push(message),
    onForget: () => void heard.splice(0),
    onEnd: (code) => {
      ended = code;
    },
  });
  return { ...chat, heard, texts: () => heard.map(({ text }) => text), end: () => until(() => ended) };
}

it('shows every message once and in order, though workers and ledger die and the rate is too high', async () => {
  const alice = await server.user('Alice');
  const bob = await server.user('Bob');
  const path = `/group/${await alice.groupWith(bob)}`;
  const [ours, theirs] = [open(alice, path), open(bob, path)];
  const texts = numbered('message', 200);
  for (const [index, text] of texts.entries()) {
    ours.say(text);
    if (index === 50) await until(() => ours.heard.length > 20 && server.kill('worker'));
    if (index === 100) await until(() => ours.heard.length > 60 && server.kill('ledger'));
  }
  for (const { texts: heard, close, end } of [ours, theirs]) {
    await until(() => heard().length >= texts.length, 20_000);
    expect(heard()).toEqual(texts);
    close();
    expect(await end()).toBe(1000);
  }
});

it('tells its caller that the chat is over for good', async () => {
  const alice = await server.user('Alice');
  expect(await open(alice, '/group/999').end()).toBe(4404);
});
