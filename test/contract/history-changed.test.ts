import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, browse, idOf, live, numbered, saysAll } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame } from '../support/socket.js';
import type { TestUser } from '../support/user.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

let folder: string;
let dataDir: string;
let server: TestServer;
let alice: TestUser;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-restore-'));
  dataDir = join(folder, 'data');
  server = await TestServer.start({ workers: 1, dataDir });
  alice = await server.user('Alice');
  path = `/group/${await alice.groupWith()}`;
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const proven = ({ id, time }: Frame) => `after=${id}@${Date.parse(time)}`;

/** Says messages, and returns them as they came back. */
async function says(texts: readonly string[]): Promise<Frame[]> {
  const socket = await live(alice, path);
  const said = await saysAll(socket, texts);
  socket.close();
  return said;
}

async function again(): Promise<void> {
  server = await TestServer.start({ workers: 1, dataDir });
  alice = at(server, alice);
}

function copyDatabase(to: string): void {
  const db = new Database(join(dataDir, 'parley.db'), { readonly: true });
  db.prepare('VACUUM INTO ?').run(to);
  db.close();
}

/** Runs the command for this folder. */
function restore(copy: string) {
  const env = { PATH: process.env['PATH'], DATA_DIR: dataDir };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'restore', copy], {
    env,
    encoding: 'utf8',
  });
  return { status, said: (stdout + stderr).trim() };
}

/** What an upgrade with this query is answered with, on the chat and on main. */
async function refusals(query: string): Promise<unknown[]> {
  const answers = await Promise.all([path, '/main'].map((to) => alice.refusal(`${to}?${query}`)));
  return answers.map(({ status, body }) => [status, body.code]);
}
const CHANGED = [
  [409, 'history_changed'],
  [409, 'history_changed'],
];

/** The messages that a client which resumes is shown. */
async function resumed(query: string): Promise<Frame[]> {
  const socket = await alice.connect(`${path}?${query}`);
  const { messages } = await socket.nextOf('history');
  socket.close();
  return messages;
}

describe('a server whose database was replaced by an older copy', () => {
  const copy = () => join(folder, 'copy.db');
  let kept: Frame[];
  let lost: Frame[];

  it('is told by hand or by the command, which waits for the server to stop', async () => {
    kept = await says(numbered('kept', 5));
    copyDatabase(copy());
    lost = await says(numbered('lost', 5));
    expect(restore(copy())).toEqual({
      status: 1,
      said: `parley: a server is using ${dataDir}; stop it, then run this command again`,
    });
    await server.stop();
    for (const end of ['', '-wal', '-shm']) rmSync(join(dataDir, `parley.db${end}`), { force: true });
    cpSync(copy(), join(dataDir, 'parley.db'));
    await again();
    const warnings = server
      .logOf('ledger')
      .filter(({ msg }) => String(msg).includes('ids continue 2^40 higher'));
    expect(warnings).toHaveLength(1);
  });

  it('refuses those who know more than it has, with and without proof', async () => {
    for (const message of lost) {
      expect(await refusals(`after=${message.id}`)).toEqual(CHANGED);
      expect(await refusals(proven(message))).toEqual(CHANGED);
    }
    const socket = await browse(alice, `${path}?${proven(lost[4] as Frame)}`);
    expect(await socket.closed()).toMatchObject({ code: 4409, reason: 'history_changed' });
  });

  it('lets those go on who know what it has', async () => {
    expect(await resumed('after=0')).toEqual(kept);
    expect(await resumed(proven(kept[1] as Frame))).toEqual(kept.slice(2));
    expect(await resumed(`after=${kept[4]?.id}`)).toEqual([]);
  });

  it('gives no id a second time, and refuses the old ones also when there are newer', async () => {
    const fresh = await says(numbered('fresh', 7));
    const used = new Set([...kept, ...lost].map(idOf));
    expect(fresh.map(idOf).filter((id) => used.has(id) || id < 2 ** 40)).toEqual([]);
    for (const message of lost) expect(await refusals(proven(message))).toEqual(CHANGED);
    expect(await resumed(proven(kept[4] as Frame))).toEqual(fresh);
  });

  it('goes on in the same way after the command, which says what it did', async () => {
    const before = await says(['before the command']);
    await server.stop();
    expect(restore(join(folder, 'nothing'))).toMatchObject({
      status: 1,
      said: expect.stringMatching(/there is no file/),
    });
    expect(restore(MAIN)).toMatchObject({
      status: 1,
      said: expect.stringMatching(/was not restored: file is not a database/),
    });
    expect(restore(join(dataDir, 'parley.db'))).toMatchObject({
      status: 1,
      said: expect.stringMatching(/of this folder itself/),
    });
    const done = restore(copy());
    expect(done).toMatchObject({ status: 0, said: expect.stringMatching(/: 5 messages, up to 20/) });
    const [, replaced = ''] = /the database that was there is (\S+)/.exec(done.said) ?? [];
    await again();
    expect(await refusals(proven(before[0] as Frame))).toEqual(CHANGED);
    expect(await resumed('after=0')).toEqual(kept);
    const [next] = await says(['after the command']);
    expect(next?.id).toBeGreaterThan((before[0]?.id ?? 0) + 2 ** 39);

    await server.stop();
    expect(restore(replaced)).toMatchObject({
      status: 0,
      said: expect.stringMatching(/: 13 messages, up to 20/),
    });
    await again();
    expect(await resumed(proven(before[0] as Frame))).toEqual([]);
  });
});

describe('a machine that was set back as a whole', () => {
  it('refuses those who prove a message that is another one here', async () => {
    const [first] = await says(['before']);
    await server.stop();
    cpSync(dataDir, join(folder, 'image'), { recursive: true });
    await again();
    const lost = await says(numbered('lost', 3));
    await server.stop();
    rmSync(dataDir, { recursive: true });
    cpSync(join(folder, 'image'), dataDir, { recursive: true });
    await again();
    const other = await says(numbered('other', 3));
    expect(other.map(idOf)).toEqual(lost.map(idOf)); // Nobody can know here.
    for (const message of lost) expect(await refusals(proven(message))).toEqual(CHANGED);
    expect(await resumed(proven(first as Frame))).toEqual(other);
  });
});

describe('a message that was removed with its group', () => {
  it('is still a place to resume on main', async () => {
    const [last] = await says(['of another group']);
    const doomed = await alice.groupWith();
    const socket = await live(alice, `/group/${doomed}`);
    const [gone] = await saysAll(socket, ['gone']);
    expect((await alice.delete(`/group/${doomed}`)).status).toBe(200);
    const main = await alice.connect(`/main?${proven(gone as Frame)}`);
    const [after] = await says(['after it']);
    expect((await main.next()).id).toBe(after?.id);
    expect(last?.id).toBeLessThan(gone?.id ?? 0);
  });
});
