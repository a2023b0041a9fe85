import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, historyOf, live, pagesOf, textOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

/** Every control character but NUL, between letters. */
const CONTROLS = [...Array(0xa0).keys()]
  .filter((code) => (code > 0 && code < 0x20) || code >= 0x7f)
  .map((code) => `a${String.fromCodePoint(code)}b`);

const TEXTS = [
  ...CONTROLS,
  ' \t leading and trailing \u00a0\u3000\r\n',
  'e\u0301 é Å \u212b \u1112\u1161\u11ab',
  'שלום \u202eright to left\u202c عليكم \u2066isolate\u2069',
  'a\u2028b\u2029c',
  '\ufeffBOM \ufeff in and before\ufeff',
  '\ufffe\uffff\ufdd0\ufffd\u{10ffff}\u{1fffe}',
  '👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 👍🏽 😀',
  '𝒯𝓮𝔁𝓽 𠮷 \u{10000}',
  'Z̴̧̛͖̯a̵l̷g̸o̶',
  '\u200b\u200d.\u2060\u00ad\u3164',
  '"\\/\b\f{}[]:,</script><!-- &amp; %00 \\u0000 \\n',
  '%s %n {{7*7}}',
];

let server: TestServer;
let dataDir: string;
let alice: TestUser;
let bob: TestUser;
let path: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'parley-test-'));
  server = await TestServer.start({ workers: 2, dataDir });
  [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
  path = `/chat/${await alice.chatWith(bob)}`;
});
afterAll(async () => {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

describe('every text comes back as it was sent', () => {
  it('live, on main, in the list of chats and in the info of the chat', async () => {
    const [hers, his, main] = [await live(alice, path), await live(bob, path), await bob.connect('/main')];
    for (const text of TEXTS) {
      hers.says(text);
      const heard: Frame[] = [await hers.next(), await his.next(), await main.next()];
      expect(heard.map(textOf)).toEqual([text, text, text]);
      const last = [
        (await bob.get('/chats')).body.rooms[0].last_message,
        (await bob.get(`${path}/info`)).body.last_message,
      ];
      expect(last.map(textOf)).toEqual([text, text]);
    }
  });

  it('in history and resumed, by the bytes', async () => {
    expect((await historyOf(bob, path)).map(textOf)).toEqual(TEXTS);
    const resumed = await pagesOf(await bob.connect(`${path}?after=0`));
    expect(resumed.flatMap(({ messages }) => messages.map(textOf))).toEqual(TEXTS);
  });

  it('and when it was sent with everything escaped', async () => {
    const socket = await live(alice, path);
    for (const text of TEXTS) {
      const units = Array.from({ length: text.length }, (_, n) => text.charCodeAt(n));
      const escaped = units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
      socket.send(`{"type":"message","text":"${escaped}"}`);
      expect((await socket.nextOf('message')).text).toBe(text);
    }
  });

  it('after a restart, in history and resumed', async () => {
    await server.end();
    server = await TestServer.start({ workers: 2, dataDir });
    [alice, bob] = [at(server, alice), at(server, bob)];
    expect((await historyOf(bob, path)).map(textOf)).toEqual([...TEXTS, ...TEXTS]);
    expect((await bob.get('/chats')).body.rooms[0].last_message.text).toBe(TEXTS.at(-1));
  });
});
