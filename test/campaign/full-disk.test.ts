import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWriteStore } from '../../src/store/sqlite/write/ledger-store.js';
import { historyOf, live, textOf } from '../support/chat.js';
import { png } from '../support/images.js';
import { temporaryFolder } from '../support/ledger.js';
import { exitOf, launch, SECRET } from '../support/server.js';
import { freedBy, fullBut, onSmallDisk, ServerOnSmallDisk } from '../support/small-disk.js';
import type { Frame, TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

describe('on a full disk', () => {
  let disk: ServerOnSmallDisk;
  let alice: TestUser;
  let bob: TestUser;
  let path: string;
  let hers: TestSocket;
  let his: TestSocket;
  let ledger: number;
  const acknowledged: string[] = [];

  beforeAll(async () => {
    disk = await ServerOnSmallDisk.start();
    [alice, bob] = [await disk.server.user('Alice'), await disk.server.user('Bob')];
    path = `/chat/${await alice.chatWith(bob)}`;
    [hers, his] = [await live(alice, path), await live(bob, path)];
    expect((await say('before')).type).toBe('message');
    disk.fill();
    ledger = (await disk.server.pids()).ledger;
  });
  afterAll(() => disk.server.stop());

  /** Says something long; resolves to the echo or the refusal. */
  let count = 0;
  async function say(name: string): Promise<Frame> {
    count += 1;
    const text = `${name} ${count} `.padEnd(4000, '.');
    hers.says(text, `client-${count}`);
    const frame = await until(() => hers.frames.find(({ client_id }) => client_id === `client-${count}`));
    if (frame.type === 'message') acknowledged.push(text);
    return frame;
  }

  const lines = (part: string) =>
    disk.server.logOf('ledger').filter(({ msg }) => String(msg).includes(part)).length;

  it('messages are refused as soon as they do not fit, with the time to try again', async () => {
    const refusal = await until(async () => {
      const answer = await say('while it gets full');
      return answer.type === 'error' && answer;
    });
    expect(refusal).toMatchObject({ code: 'storage_full', details: { retry_after_ms: 1000 } });
    for (let n = 0; n < 20; n++) expect((await say('when it is full')).code).toBe('storage_full');
  });

  it('writes over HTTP are refused with 503, and photos leave nothing behind', async () => {
    const stranger = await disk.server.stranger('Carol');
    const profile = { username: 'carol', name: 'Carol' };
    const form = new FormData();
    form.set('json', JSON.stringify(profile));
    form.set('photo', new Blob([png(100, 100, Buffer.alloc(200_000))]), 'photo.png');
    for (const body of [profile, form]) {
      const answer = await stranger.post('/user', body);
      expect(answer).toMatchObject({ status: 503, body: { code: 'storage_full' } });
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect(disk.files('tmp')).toEqual([]);
    expect(disk.files('files').filter((name) => name.includes('.'))).toEqual([]);
    expect((await stranger.get('/user')).status).toBe(404);
  });

  it('reading goes on, sockets stay, and new ones open', async () => {
    expect((await alice.get('/chats')).body.rooms).toHaveLength(1);
    expect((await fetch(`${disk.server.url}/readyz`)).status).toBe(200);
    await until(() => his.frames.length === acknowledged.length + 1);
    expect(his.frames.slice(1).map(textOf)).toEqual(acknowledged);
    expect((await historyOf(bob, path)).map(textOf)).toEqual(acknowledged);
    his.send({ type: 'typing' });
    await until(() => hers.frames.some(({ type }) => type === 'typing'));
    expect([hers.isOpen, his.isOpen]).toEqual([true, true]);
  });

  it('the server takes writes again by itself when there is space, and says so once', async () => {
    disk.free();
    await until(async () => (await say('after')).type === 'message');
    await until(() => his.frames.filter(({ type }) => type === 'message').length === acknowledged.length);
    expect((await historyOf(bob, path)).map(textOf)).toEqual(acknowledged);
    expect((await disk.server.pids()).ledger).toBe(ledger);
    await until(() => lines('has space again') === 1);
    expect(lines('disk is full')).toBe(1);
  });

  it('photos are refused also when they fit, and the folder that they should lie in does not', async () => {
    const carol = await disk.server.stranger('Carol');
    const form = new FormData();
    form.set('json', JSON.stringify({ username: 'carol', name: 'Carol' }));
    form.set('photo', new Blob([png(100, 100)]), 'photo.png');
    const free = disk.fillNames(1);
    expect(await carol.post('/user', form)).toMatchObject({ status: 503, body: { code: 'storage_full' } });
    free();
    expect([disk.files('tmp'), disk.files('files')]).toEqual([[], []]);
    expect((await carol.post('/user', form)).status).toBe(200);
  });

  it('a ledger that dies there loses nothing, and what was sent meanwhile is stored once', async () => {
    disk.fill();
    await until(async () => (await say('again')).type === 'error');
    await disk.server.kill('ledger');
    hers.says('in between', 'in-between');
    expect((await alice.get('/chats')).status).toBe(200);
    disk.free();
    // The next ledger refuses, until it has seen that there is space, if it could begin at all.
    await until(() => {
      const heard = hers.frames.findLast(({ client_id }) => client_id === 'in-between');
      if (heard?.type === 'error') hers.says('in between', 'in-between');
      return his.frames.some(({ text }) => text === 'in between');
    });
    expect((await historyOf(bob, path)).map(textOf)).toEqual([...acknowledged, 'in between']);
    expect([hers.isOpen, his.isOpen]).toEqual([true, true]);
  });
});

describe('a ledger that is started again on a full disk', () => {
  it.each([
    ['nothing', 0],
    ['not even the index of the write-ahead log', 16 * 1024],
    ['the index, and not the first commit', 36 * 1024],
  ])('where %s fits says so once, waits, and is ready as soon as there is space', async (_what, bytesLeft) => {
    const [folder, seed] = [await temporaryFolder(), await temporaryFolder()];
    openWriteStore(seed.path, Date.now(), () => undefined).close();
    const freed = join(seed.path, 'freed');
    const first = `cp "${seed.path}"/* .; ${fullBut(bytesLeft)} ${freedBy(freed)}`;
    const env = { DATA_DIR: folder.path, JWT_SECRET: SECRET };
    const { process, output } = launch(env, ['ledger'], { through: onSmallDisk(first) });
    const said = (what: string) => output.text.split('\n').filter((line) => line.includes(what));
    try {
      await until(() => said('disk is full').length > 0);
      writeFileSync(freed, '');
      await until(() => said('"msg":"ready"').length > 0);
      expect([said('disk is full'), said('has space again')].map(({ length }) => length)).toEqual([1, 1]);
    } finally {
      process.kill('SIGTERM');
      expect(await exitOf(process)).toEqual({ code: 0, signal: null });
      await folder.remove();
      await seed.remove();
    }
  });
});

describe('a server that is first started where it cannot write', () => {
  const names = 'n=0; while true >"name-$n"; do n=$((n+1)); done 2>/dev/null;';
  it.each([
    ['a full disk', fullBut(512 * 1024), 'is on a full disk (less than 1 MiB left); free some of it'],
    ['a disk without inodes', names, 'is on a full disk (no inode left); free some of it'],
    [
      'a disk with few inodes',
      `${names} rm name-1 name-2;`,
      'is on a full disk (2 inodes left); free some of it',
    ],
    [
      'a read-only disk',
      'mount -o remount,ro .;',
      'is on a file system that is mounted read-only; mount it writable',
    ],
  ])('%s: says so in one line and exits with 1, also as the ledger that pm2 starts', async (_where, first, problem) => {
    const folder = await temporaryFolder();
    for (const args of [[], ['ledger']]) {
      const env = { DATA_DIR: folder.path, JWT_SECRET: SECRET };
      const { process, output } = launch(env, args, { through: onSmallDisk(first) });
      expect(await exitOf(process)).toEqual({ code: 1, signal: null });
      expect(output.text).toBe(
        `parley: DATA_DIR ${folder.path} ${problem}, or set DATA_DIR to another folder\n`,
      );
    }
    await folder.remove();
  });
});
