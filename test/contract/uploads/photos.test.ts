import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encoded, heif, imageOf, jpeg, noisePng, png, pngHead } from '../../support/images.js';
import { TestServer } from '../../support/server.js';
import { TestUser } from '../../support/user.js';
import { until } from '../../support/wait.js';

const PHOTO_BYTES_MAX = 300_000;
const MAPPED_ID_MIN = 1_000_000_000_000;

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2, env: { PHOTO_BYTES_MAX: String(PHOTO_BYTES_MAX) } });
});
afterAll(() => server.stop());
afterEach(() => expect(server.output).not.toMatch(/a process ended|"level":"(error|fatal)"/));

/** Over 16 KiB also as it is kept, so that it travels in pieces. */
const photo = noisePng(300, 200);
const KEPT = { format: 'webp', width: 300, height: 200 };

function form(json: unknown, image?: Buffer, type = 'image/png'): FormData {
  const body = new FormData();
  body.set('json', JSON.stringify(json));
  if (image !== undefined) body.set('photo', new Blob([new Uint8Array(image)], { type }), 'me.svg');
  return body;
}

/** The bytes that a path gives, and its headers. */
async function download(user: TestUser, path: string) {
  const response = await fetch(`${server.url}${path}`, {
    headers: { authorization: `Bearer ${user.token}` },
  });
  return {
    status: response.status,
    headers: response.headers,
    bytes: Buffer.from(await response.arrayBuffer()),
  };
}

/** Every file below a folder of the data folder, by its path. */
async function filesIn(...folders: string[]): Promise<string[]> {
  const base = join(server.dataDir, ...folders);
  const entries = await readdir(base, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe("a profile's photo", () => {
  it('is kept in two sizes, and served as what they are', async () => {
    const alice = await server.stranger('Alice');
    const answer = await alice.post('/user', form({ username: 'photo-alice', name: 'Alice' }, photo));
    expect(answer).toMatchObject({ status: 200, body: { status: 'ok' } });
    const path = `/api/v1/user/${alice.id}/photo`;
    expect((await alice.get('/user')).body.photo).toBe(path);

    const bob = await server.user('Bob');
    expect((await bob.get(`/user/${alice.id}`)).body.photo).toBe(path);
    const first = await download(bob, path);
    expect(await imageOf(first.bytes)).toEqual(KEPT);
    for (let look = 0; look < 8; look++) {
      const { status, headers, bytes } = await download(bob, `${path}?size=1280`);
      expect(status).toBe(200);
      expect(bytes.equals(first.bytes)).toBe(true);
      expect(headers.get('content-type')).toBe('image/webp');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
      expect(headers.get('etag')).toBe(first.headers.get('etag'));
    }
    const small = await download(bob, `${path}?size=160`);
    expect(await imageOf(small.bytes)).toEqual({ format: 'webp', width: 160, height: 160 });
    expect(small.headers.get('etag')).not.toBe(first.headers.get('etag'));
    expect(await filesIn('files', 'users', String(alice.id))).toHaveLength(2);
    expect(await filesIn('tmp')).toEqual([]);
  });

  it.each(['', '0', '161', '160.0', 'small', '160&size=160'])('has no size "%s"', async (size) => {
    const user = await server.user('Sized');
    expect(await user.get(`/user/${user.id}/photo?size=${size}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_query', details: { parameter: 'size' } },
    });
  });

  it.each([
    ['jpeg', 'jpeg'],
    ['png', 'webp'],
    ['webp', 'webp'],
    ['gif', 'webp'],
    ['avif', 'webp'],
  ] as const)('that comes as %s is served as %s, whatever the client called it', async (type, kept) => {
    const user = await server.stranger('Typed');
    const image = await encoded(type, 1400, 700);
    const body = form({ username: user.username, name: 'Typed' }, image, 'text/html');
    expect(await user.post('/user', body)).toMatchObject({ status: 200 });
    const answer = await download(user, `/api/v1/user/${user.id}/photo`);
    expect(answer.headers.get('content-type')).toBe(`image/${kept}`);
    expect(await imageOf(answer.bytes)).toEqual({ format: kept, width: 1280, height: 640 });
  });

  it('is 404 photo_not_found without one, 404 user_not_found without a user', async () => {
    const user = await server.stranger('Plain');
    expect((await user.post('/user', form({ username: user.username, name: 'Plain' }))).status).toBe(200);
    expect((await user.get('/user')).body.photo).toBeNull();
    expect(await user.get(`/user/${user.id}/photo`)).toMatchObject({
      status: 404,
      body: { code: 'photo_not_found' },
    });
    expect((await user.get('/user/999999/photo')).body.code).toBe('user_not_found');
  });

  it('may come with an empty file input, which is none', async () => {
    const user = await server.stranger('Empty');
    const body = form({ username: user.username, name: 'Empty' }, Buffer.alloc(0));
    expect((await user.post('/user', body)).status).toBe(200);
    expect((await user.get('/user')).body.photo).toBeNull();
    expect(await filesIn('files', 'users', String(user.id))).toEqual([]);
    expect(await filesIn('tmp')).toEqual([]);
  });

  it('works for a user whose id is mapped from a subject', async () => {
    const user = new TestUser(server.url, await server.token('auth0|photo'), 0, 'Mapped');
    const body = form({ username: 'mapped-photo', name: 'Mapped' }, photo);
    expect((await user.post('/user', body)).status).toBe(200);
    const { id, photo: path } = (await user.get('/user')).body;
    expect(id).toBeGreaterThanOrEqual(MAPPED_ID_MIN);
    expect(path).toBe(`/api/v1/user/${id}/photo`);
    expect(await imageOf((await download(user, path)).bytes)).toEqual(KEPT);
    expect(await filesIn('files', 'users', String(id))).toHaveLength(2);
  });

  it('may be left out with application/json', async () => {
    const user = await server.stranger('Json');
    expect((await user.post('/user', { username: user.username, name: 'Json' })).status).toBe(200);
    const answer = await user.send('POST', '/user', '{}', { 'content-type': 'text/plain' });
    expect(answer.status).toBe(415);
  });
});

it('is decoded by a process that has none of the connections of its worker', async () => {
  const sockets = async (pid: number) => {
    const names = (await readdir(`/proc/${pid}/fd`)).filter((name) => Number(name) > 2);
    const links = names.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => ''));
    return (await Promise.all(links)).filter((to) => to.startsWith('socket:'));
  };
  const user = await server.stranger('Connected');
  expect((await user.post('/user', form({ username: user.username, name: 'C' }, photo))).status).toBe(200);
  const { workers } = await server.pids();
  const decoders = (
    await Promise.all(
      workers.map(async (worker) => {
        const children = await readFile(`/proc/${worker}/task/${worker}/children`, 'utf8');
        return children.split(' ').flatMap((pid) => (pid === '' ? [] : [{ worker, pid: Number(pid) }]));
      }),
    )
  ).flat();
  expect(decoders.length).toBeGreaterThan(0);
  for (const { worker, pid } of decoders) {
    const own = await sockets(worker);
    expect(own.length).toBeGreaterThan(3);
    expect((await sockets(pid)).filter((socket) => own.includes(socket))).toEqual([]);
  }
});

describe("a group's photo", () => {
  it('is for its members, and goes with the group', async () => {
    const [owner, member, stranger] = [
      await server.user('Owner'),
      await server.user('Member'),
      await server.user('Stranger'),
    ];
    const answer = await owner.post('/group', form({ name: 'g', users: [{ id: member.id }] }, photo));
    expect(answer.status).toBe(200);
    const { id } = answer.body.group;
    const path = `/api/v1/group/${id}/photo`;
    expect((await member.get(`/group/${id}/info`)).body.photo).toBe(path);
    expect(await imageOf((await download(member, path)).bytes)).toEqual(KEPT);
    expect(await stranger.get(`/group/${id}/photo`)).toMatchObject({
      status: 404,
      body: { code: 'group_not_found' },
    });
    expect(await filesIn('files', 'groups', String(id))).toHaveLength(2);

    expect((await owner.delete(`/group/${id}`)).status).toBe(200);
    expect((await member.get(`/group/${id}/photo`)).status).toBe(404);
    await until(async () => !(await readdir(join(server.dataDir, 'files', 'groups'))).includes(String(id)));
  });

  it('is 404 photo_not_found for a member of a group without one', async () => {
    const owner = await server.user('Bare');
    const id = await owner.groupWith();
    expect((await owner.get(`/group/${id}/photo`)).body.code).toBe('photo_not_found');
  });

  it('stays the first when a client_id is repeated with another', async () => {
    const owner = await server.user('Repeater');
    const json = { name: 'once', client_id: 'g-1' };
    const before = await filesIn('files', 'groups');
    const first = await owner.post('/group', form(json, photo));
    const second = await owner.post('/group', form({ ...json, name: 'twice' }, png(1, 1)));
    expect(second).toMatchObject({ status: 200, body: first.body });
    const { id } = first.body.group;
    expect(await imageOf((await download(owner, `/api/v1/group/${id}/photo`)).bytes)).toEqual(KEPT);
    expect(await filesIn('files', 'groups')).toHaveLength(before.length + 2);
    expect(
      (await readdir(join(server.dataDir, 'files', 'groups'))).filter((name) => Number(name) > id),
    ).toEqual([]);
  });
});

function damaged(image: Buffer): Buffer {
  const bytes = Buffer.from(image);
  bytes.writeUInt8(bytes.readUInt8(90_000) ^ 1, 90_000);
  return bytes;
}

describe('a photo is refused, and nothing is made of it,', () => {
  const text = 'x'.repeat(100);
  it.each([
    [
      'SVG',
      Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><!--${text}--></svg>`),
      400,
      'photo_invalid',
    ],
    ['HTML', Buffer.from(`<html><script>alert(1)</script>${text}`), 400, 'photo_invalid'],
    ['text', Buffer.from(text), 400, 'photo_invalid'],
    [
      'a PNG of another magic',
      Buffer.from(png(1, 1).toString('latin1').replace('P', 'Q'), 'latin1'),
      400,
      'photo_invalid',
    ],
    ['a PNG that ends in its head', png(1, 1).subarray(0, 20), 400, 'photo_invalid'],
    ['a PNG without anything to show', pngHead(100, 100), 400, 'photo_invalid'],
    ['a PNG that breaks off', photo.subarray(0, 100_000), 400, 'photo_invalid'],
    ['a PNG with one byte of another value', damaged(photo), 400, 'photo_invalid'],
    ['a PNG of 121 megapixels', pngHead(11_000, 11_000), 400, 'photo_invalid'],
    ['a JPEG of 4 gigapixels', jpeg(65_535, 65_535), 400, 'photo_invalid'],
    ['a HEIC', heif(['heic', 'mif1'], []), 400, 'photo_heic_unsupported'],
    ['a photo over PHOTO_BYTES_MAX', png(1, 1, Buffer.alloc(PHOTO_BYTES_MAX)), 413, 'too_large'],
    ['a body over 11 MiB', png(1, 1, Buffer.alloc(12 * 1024 * 1024)), 413, 'too_large'],
  ])('%s', async (_name, bytes, status, code) => {
    const user = await server.stranger('Refused');
    const body = () => form({ username: user.username, name: 'Refused' }, bytes);
    expect(await user.post('/user', body())).toMatchObject({ status, body: { status: 'error', code } });
    expect((await user.get('/user')).status).toBe(404);
    expect(await filesIn('files', 'users', String(user.id))).toEqual([]);
    expect(await filesIn('tmp')).toEqual([]);

    await user.createProfile();
    const before = (await user.get('/chats')).body;
    const group = form({ name: 'g' }, bytes);
    const groups = await filesIn('files', 'groups');
    expect(await user.post('/group', group)).toMatchObject({ status, body: { code } });
    expect((await user.get('/chats')).body).toEqual(before);
    expect(await filesIn('files', 'groups')).toEqual(groups);
  });

  it('an image of 120 megapixels and of PHOTO_BYTES_MAX is not', async () => {
    const user = await server.stranger('Largest');
    const largest = png(12_000, 10_000);
    const full = Buffer.concat([largest, Buffer.alloc(PHOTO_BYTES_MAX - largest.length)]);
    const answer = await user.post('/user', form({ username: user.username, name: 'Largest' }, full));
    expect(answer.status).toBe(200);
  });

  it('with a body that is wrong in another way', async () => {
    const user = await server.stranger('Wrong');
    for (const [json, code] of [
      [{ username: '', name: 'x' }, 'invalid_field'],
      [{ username: 'bob-1' }, 'invalid_field'],
    ] as const) {
      expect(await user.post('/user', form(json, photo))).toMatchObject({ status: 400, body: { code } });
    }
    expect(await filesIn('tmp')).toEqual([]);
    expect(await filesIn('files', 'users', String(user.id))).toEqual([]);
  });

  it('when the username is taken', async () => {
    const first = await server.user('First');
    const second = await server.stranger('Second');
    const body = form({ username: first.username.toUpperCase(), name: 'Second' }, photo);
    expect((await second.post('/user', body)).body.code).toBe('username_taken');
    expect(await filesIn('files', 'users', String(second.id))).toEqual([]);
    expect(await filesIn('tmp')).toEqual([]);
    await second.createProfile();
    expect((await second.get('/user')).body.photo).toBeNull();
  });
});

describe('a creation that is refused', () => {
  /** The folders of users or groups, also the empty ones. */
  const folders = (owner: string) => readdir(join(server.dataDir, 'files', owner)).catch(() => []);

  it('leaves no folder of its group, when a user is unknown', async () => {
    const olga = await server.user('Olga');
    const before = await folders('groups');
    const body = { name: 'g', users: [{ id: 987_654_321, name: 'Nobody' }] };
    const refused = await olga.post('/group', form(body, photo));
    expect(refused).toMatchObject({ status: 400, body: { code: 'user_unknown' } });
    expect(await folders('groups')).toEqual(before);

    expect((await olga.post('/group', form({ name: 'g', users: [] }, photo))).status).toBe(200);
    expect(await folders('groups')).toHaveLength(before.length + 1);
  });

  it('leaves no folder of its user, when the name is taken', async () => {
    const { username } = await server.user('Paul');
    const before = await folders('users');
    const mapped = new TestUser(server.url, await server.token('auth0|refused'), 0, 'Mapped');
    for (const late of [await server.stranger('Late'), mapped]) {
      const refused = await late.post('/user', form({ username, name: 'Late' }, photo));
      expect(refused).toMatchObject({ status: 400, body: { code: 'username_taken' } });
    }
    expect(await folders('users')).toEqual(before);
  });

  it('leaves the photo of a profile that is there already', async () => {
    const rita = await server.stranger('Rita');
    const body = { username: rita.username, name: 'Rita' };
    expect((await rita.post('/user', form(body, photo))).status).toBe(200);
    const refused = await rita.post('/user', form(body, png(10, 10)));
    expect(refused).toMatchObject({ status: 400, body: { code: 'user_exists' } });
    expect(await imageOf((await download(rita, `/api/v1/user/${rita.id}/photo`)).bytes)).toEqual(KEPT);
    expect(await filesIn('files', 'users', String(rita.id))).toHaveLength(2);
  });
});
