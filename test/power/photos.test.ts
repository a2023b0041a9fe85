import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/prove/random.js';
import { openWriter } from '../../src/store/sqlite/database.js';
import { MAIN } from '../support/build.js';
import { noisePng } from '../support/images.js';
import { sign } from '../support/tokens.js';
import { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';
import { Disk, File, Folder } from './disk.js';
import { Platter } from './image.js';
import { type Call, readCalls } from './trace.js';
import { TracedProcess } from './traced.js';

const USERS = 6;
const IMAGES = 60;
const TIMEOUT_MS = 180_000;

const folder = mkdtempSync(join(tmpdir(), 'parley-power-'));
const root = join(folder, 'disk');
const dataDir = join(root, 'data');
const photos = Array.from({ length: USERS }, () => noisePng(200, 200));
const disk = new Disk(root);
let calls: Call[];
let secret: string;
/** The lines at which the answer to each user's upload began to leave. */
let answered: number[];
/** The files of each user's photo, by their names. */
let kept: Map<string, Buffer>[];

beforeAll(async () => {
  // A worker that is killed before it has synced the folders that it made leaves them like this.
  const made = ['', 'files', 'files/users'].map((name) => join(dataDir, name));
  mkdirSync(join(dataDir, 'files', 'users'), { recursive: true });
  const tracePath = join(folder, 'strace');
  const settings = { DATA_DIR: dataDir, PORT: '0', HOST: '127.0.0.1', WORKERS: '1' };
  const server = new TracedProcess(tracePath, MAIN, [], settings);
  try {
    await server.begun();
    const url = await until(() => /listening on (http:\S+)/.exec(server.said)?.[1]);
    secret = readFileSync(join(dataDir, 'jwt.secret'), 'utf8');
    for (const [index, photo] of photos.entries()) await createProfile(url, index + 1, photo);
    kept = photos.map((_, index) => filesIn(folderOf(dataDir, index + 1)));
  } finally {
    await server.end('SIGTERM');
  }
  const before = made.map((path) => `1 mkdir("${path.replace(/\/$/, '')}", 0700) = 0\n`).join('');
  const read = readCalls(before + readFileSync(tracePath, 'latin1'), 1);
  calls = read.calls;
  for (const call of calls) disk.record(call);
  disk.settle(read.nextLine);
  answered = calls.filter(({ args }) => args.includes('"HTTP/1.1 200')).map(({ begun }) => begun);
}, TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function createProfile(url: string, id: number, photo: Buffer): Promise<void> {
  const token = await sign({ sub: id }, 'HS256', secret.trim());
  const form = new FormData();
  form.set('json', JSON.stringify({ username: `user ${id}`, name: 'A user' }));
  form.set('photo', new Blob([new Uint8Array(photo)]), 'photo.png');
  const { status, body } = await new TestUser(url, token, id, 'A user').post('/user', form);
  if (status !== 200) throw new Error(JSON.stringify(body));
}

/** Describes what is wrong in the images of cuts during the uploads. */
function wrongIn(unsynced: readonly (File | Folder)[]): string[] {
  const random = new Random(1);
  const platter = new Platter(disk.root, new Set(unsynced));
  const last = answered.at(-1) ?? 0;
  const moments = calls.map(({ begun }) => begun).filter((line) => line <= last);
  const cuts = Array.from({ length: IMAGES }, (_, index) =>
    random.pick(index % 2 === 0 ? moments : answered),
  );
  return cuts
    .sort((a, b) => a - b)
    .flatMap((cut) => {
      const image = join(folder, 'image');
      platter.write(cut, random, image);
      const wrong = examine(join(image, 'data'), answered.filter((at) => at <= cut).length);
      rmSync(image, { recursive: true, force: true });
      return wrong;
    });
}

/** Every stored profile must have its whole photo, and every profile whose request was answered must be stored. */
function examine(image: string, profiles: number): string[] {
  if (!existsSync(image)) return profiles > 0 ? ['the data folder is not there'] : [];
  const db = openWriter(image);
  try {
    const made = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'user'").get() !== undefined;
    const rows = made
      ? db.prepare<[], { id: number; photo: string }>('SELECT id, photo FROM user ORDER BY id').all()
      : [];
    const wrong = rows.length < profiles ? [`${rows.length} of ${profiles} profiles`] : [];
    if (profiles > 0 && contentOf(join(image, 'jwt.secret'))?.toString() !== secret) wrong.push('the secret');
    for (const { id, photo } of rows) {
      const found = filesIn(folderOf(image, id));
      const whole = [...(kept[id - 1] ?? [])].every(([name, bytes]) => found.get(name)?.equals(bytes));
      if (!whole || !found.has(photo)) wrong.push(`the photo of user ${id}`);
    }
    return wrong;
  } finally {
    db.close();
  }
}

function folderOf(data: string, id: number): string {
  return join(data, 'files', 'users', String(id));
}

function filesIn(folder: string): Map<string, Buffer> {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return new Map(names.map((name) => [name, readFileSync(join(folder, name))]));
}

function contentOf(path: string): Buffer | undefined {
  return existsSync(path) ? readFileSync(path) : undefined;
}

/** The folder, and all files and folders in it, however deep. */
function below(node: File | Folder | undefined): (File | Folder)[] {
  if (node instanceof Folder) return [node, ...[...node.names.values()].flatMap(below)];
  return node === undefined ? [] : [node];
}

describe('a power cut during uploads', () => {
  it('leaves no profile without its whole photo, every answered profile, and the secret', () => {
    expect(answered.length).toBe(USERS);
    expect(kept.map((files) => files.size)).toEqual(photos.map(() => 2));
    expect(wrongIn([])).toEqual([]);
  });

  it.each([
    ['the photos', File],
    ['their folders', Folder],
  ])('would be seen to take photos if no sync reached %s', (_, kind) => {
    const files = below(disk.find(join(dataDir, 'files'))).filter((node) => node instanceof kind);
    expect(wrongIn(files).filter((what) => what.startsWith('the photo'))).not.toEqual([]);
  });

  it('would be seen to take the secret if no sync reached it', () => {
    const file = disk.find(join(dataDir, 'jwt.secret'));
    expect(wrongIn(below(file))).toContain('the secret');
  });
});
