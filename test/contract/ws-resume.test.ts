import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HISTORY_BYTES_MAX, HistoryFrame } from '../../src/api/frames.js';
import {
  historyOf,
  idOf,
  live,
  NO_MESSAGES,
  numbered,
  pagesOf,
  saysAll,
  shownTo,
  textOf,
} from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame, TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2, env: { TEXT_CHARACTERS_MAX: '8192' } });
  alice = await server.user('Alice');
  bob = await server.user('Bob');
});
afterAll(() => server.stop());

async function newGroup(): Promise<{ path: string; writer: TestSocket }> {
  const path = `/group/${await alice.groupWith(bob)}`;
  return { path, writer: await live(alice, path) };
}

describe('?after=', () => {
  it('gives everything after that id, oldest first, then what is said', async () => {
    const { path, writer } = await newGroup();
    const said = await saysAll(writer, numbered('before', 5));
    const reader = await bob.connect(`${path}?after=${said[1].id}`);
    expect(await reader.next()).toEqual({ type: 'history', messages: said.slice(2) });
    const [next] = await saysAll(writer, ['live']);
    expect(await reader.next()).toEqual(next);
  });

  it('0 is the beginning', async () => {
    const { path, writer } = await newGroup();
    const said = await saysAll(writer, numbered('message', 3));
    expect(await (await bob.connect(`${path}?after=0`)).next()).toEqual({ type: 'history', messages: said });
  });

  it('the newest id gives one empty history, then what is said', async () => {
    const { path, writer } = await newGroup();
    const [last] = await saysAll(writer, ['seen']);
    const reader = await bob.connect(`${path}?after=${last.id}`);
    expect(await reader.next()).toEqual(NO_MESSAGES);
    const [next] = await saysAll(writer, ['live']);
    expect(await reader.next()).toEqual(next);
  });

  it('may be the id of a message in another chat: ids are one order', async () => {
    const [one, two] = [await newGroup(), await newGroup()];
    await saysAll(one.writer, ['before']);
    const [elsewhere] = await saysAll(two.writer, ['elsewhere']);
    const [after] = await saysAll(one.writer, ['after']);
    const reader = await bob.connect(`${one.path}?after=${elsewhere.id}`);
    expect(await reader.next()).toEqual({ type: 'history', messages: [after] });
  });

  it('is not bounded by a default: 150 messages come, where a plain history has 100', async () => {
    const { path, writer } = await newGroup();
    const said = await saysAll(writer, numbered('message', 150));
    expect((await (await bob.connect(`${path}?after=0`)).next()).messages).toEqual(said);
  });
});

describe('a long way back', () => {
  it('comes in pages of 256 KiB at most, with more:true on all but the last', async () => {
    const { path, writer } = await newGroup();
    const said = await saysAll(
      writer,
      Array.from({ length: 120 }, (_, n) => `${n}`.padEnd(8192, 'x')),
    );
    const reader = await bob.connect(`${path}?after=${said[9].id}`);
    const pages = await pagesOf(reader);
    expect(pages.length).toBeGreaterThanOrEqual(4);
    expect(pages.map(({ more }) => more)).toEqual([...pages.slice(1).map(() => true), undefined]);
    expect(pages.flatMap(({ messages }) => messages)).toEqual(said.slice(10));
    for (const page of pages) {
      HistoryFrame.parse(page);
      expect(page.messages.length).toBeGreaterThan(0);
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThanOrEqual(HISTORY_BYTES_MAX);
    }
  });

  it('of many small messages is complete too', async () => {
    const { path, writer } = await newGroup();
    const texts = numbered('m', 2500);
    await saysAll(writer, texts);
    const pages = await pagesOf(await bob.connect(`${path}?after=0`));
    expect(pages.flatMap(({ messages }) => messages.map(textOf))).toEqual(texts);
  });

  it('reaches a peer that stops reading for a while, without a gap', async () => {
    const { path, writer } = await newGroup();
    // 7 MB, which no buffer of the system takes while the peer is not reading.
    const old = numbered('old', 300).map((text) => text.padEnd(8192, '语'));
    const fresh = numbered('new', 50);
    await saysAll(writer, old);
    const reader = await bob.connect(`${path}?after=0`);
    reader.pause();
    await saysAll(writer, fresh);
    reader.resume();
    await until(() => shownTo(reader).length >= 350);
    expect(shownTo(reader).map(textOf)).toEqual([...old, ...fresh]);
  });
});

describe('while a writer keeps sending', () => {
  /** Keeps speaking, a few at a time, until it is told to stop; resolves to how much was said. */
  function keepSpeaking(writer: TestSocket) {
    let speaking = true;
    const done = (async () => {
      let count = 0;
      while (speaking) {
        await saysAll(writer, numbered('while', 50));
        count += 50;
      }
      return count;
    })();
    return () => {
      speaking = false;
      return done;
    };
  }

  it('a client that connects again and again sees each message once, in order', async () => {
    const { path, writer } = await newGroup();
    await saysAll(writer, numbered('before', 300));
    const stop = keepSpeaking(writer);
    const seen: Frame[] = [];
    const workers = new Set<string>();
    for (let connections = 0; connections < 60; connections++) {
      const reader = await bob.connect(`${path}?after=${seen.at(-1)?.id ?? 0}`);
      workers.add(reader.worker);
      await pagesOf(reader);
      if (connections % 2 === 0) await reader.nextOf('message');
      reader.terminate();
      await reader.closed();
      seen.push(...shownTo(reader));
    }
    const said = 300 + (await stop());
    const last = await bob.connect(`${path}?after=${seen.at(-1)?.id}`);
    await pagesOf(last);
    seen.push(...shownTo(last));

    workers.delete(''); // Unknown where the token was new.
    expect(workers.size).toBe(2);
    expect(seen).toHaveLength(said);
    expect(seen.map(idOf)).toEqual([...new Set(seen.map(idOf))].sort((a, b) => a - b));
    expect(seen).toEqual(await historyOf(bob, path));
  });

  it('many clients that begin at different places all see everything from there on', async () => {
    const { path, writer } = await newGroup();
    const before = await saysAll(writer, numbered('before', 1500));
    const stop = keepSpeaking(writer);
    const readers = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        const after = n === 0 ? 0 : before[n * 50 - 1].id;
        return { after, socket: await bob.connect(`${path}?after=${after}`) };
      }),
    );
    await stop();
    const [last] = await saysAll(writer, ['the last one']);
    const all = await historyOf(bob, path);
    for (const { after, socket } of readers) {
      await until(() => shownTo(socket).at(-1)?.id === last.id);
      expect(shownTo(socket)).toEqual(all.filter(({ id }) => id > after));
    }
  });

  it('a client without after is live from its history on, without a gap', async () => {
    const { path, writer } = await newGroup();
    const stop = keepSpeaking(writer);
    const readers = await Promise.all(Array.from({ length: 30 }, () => bob.connect(`${path}?limit=5`)));
    await stop();
    const [last] = await saysAll(writer, ['the last one']);
    const ids = (await historyOf(bob, path)).map(idOf);
    for (const reader of readers) {
      await until(() => shownTo(reader).at(-1)?.id === last.id);
      const shown = shownTo(reader).map(idOf);
      expect(shown).toEqual(ids.slice(ids.indexOf(shown[0] as number)));
    }
  });
});
