import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { UPLOADS_AT_A_TIME_MAX } from '../../../src/server/limits/admission.js';
import { imageOf, noisePng, png } from '../../support/images.js';
import { contentType, jsonPart, multipartBody, photoPart } from '../../support/multipart.js';
import { RawUpload } from '../../support/raw-upload.js';
import { TestServer } from '../../support/server.js';
import type { TestUser } from '../../support/user.js';
import { until } from '../../support/wait.js';

const MIB = 1024 * 1024;

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ workers: 2, env: { UPLOADS_PER_MINUTE_PER_USER_MAX: '0' } });
});
afterAll(() => server.stop());
// Whatever a client sends, no process ends of it, and nothing unexpected is logged.
afterEach(() => expect(server.output).not.toMatch(/a process ended|"level":"(error|fatal)"/));

function body(user: TestUser, photo: Buffer): Buffer {
  return multipartBody([jsonPart({ username: user.username, name: user.name }), photoPart(photo)]);
}

function temporary(): Promise<string[]> {
  return readdir(join(server.dataDir, 'tmp')).catch(() => []);
}

/** Sends a whole body at once, and resolves to the status. */
async function post(user: TestUser, bytes: Buffer): Promise<number> {
  const { status } = await fetch(`${server.url}/api/v1/user`, {
    method: 'POST',
    headers: { authorization: `Bearer ${user.token}`, 'content-type': contentType() },
    body: new Uint8Array(bytes),
  });
  return status;
}

/** Sends it again as long as the user has too many under way. */
async function postWhenTaken(user: TestUser, bytes: Buffer): Promise<number> {
  return until(async () => {
    const status = await post(user, bytes);
    return status !== 429 && status;
  });
}

/** The size of the photo that was kept. A noisePng that did not arrive whole cannot be read, and none is. */
async function photoOf(user: TestUser): Promise<readonly [width: number, height: number]> {
  const response = await fetch(`${server.url}/api/v1/user/${user.id}/photo`, {
    headers: { authorization: `Bearer ${user.token}` },
  });
  const { width, height } = await imageOf(Buffer.from(await response.arrayBuffer()));
  return [width, height];
}

describe('an upload on the wire', () => {
  it.each([
    ['ended', (socket: Socket) => socket.end()],
    ['cut', (socket: Socket) => socket.destroy()],
    ['reset', (socket: Socket) => socket.resetAndDestroy()],
  ])('leaves nothing when its connection is %s in the middle', async (_name, leave) => {
    const user = await server.stranger('Gone');
    const bytes = body(user, png(10, 10, randomBytes(MIB)));
    const request = await RawUpload.begin(server.port, '/user', user.token, [
      `Content-Length: ${bytes.length}`,
    ]);
    await request.write(bytes.subarray(0, 600_000));
    await until(async () => (await temporary()).length === 1);
    leave(request.socket);
    await until(async () => (await temporary()).length === 0);
    expect((await user.get('/user')).status).toBe(404);
    request.socket.destroy();
  });

  it('takes 5 MiB in small pieces, slowly', async () => {
    const user = await server.stranger('Slow');
    const photo = noisePng(1250, 1400);
    const bytes = body(user, photo);
    const request = await RawUpload.begin(server.port, '/user', user.token, [
      `Content-Length: ${bytes.length}`,
    ]);
    // About 40 KB in each turn of the clock: the body takes seconds, and arrives in many reads.
    for (let at = 0; at < bytes.length; at += 40_000) {
      for (let piece = at; piece < Math.min(at + 40_000, bytes.length); piece += 8000) {
        await request.write(bytes.subarray(piece, Math.min(piece + 8000, at + 40_000)));
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(await request.status()).toBe('200');
    request.socket.destroy();
    expect(await photoOf(user)).toEqual([1143, 1280]);
    expect(await temporary()).toEqual([]);
  });

  it('takes a chunked body', async () => {
    const user = await server.stranger('Chunked');
    const photo = noisePng(300, 220);
    const bytes = body(user, photo);
    const request = await RawUpload.begin(server.port, '/user', user.token, ['Transfer-Encoding: chunked']);
    for (let at = 0; at < bytes.length; at += 1777) {
      const piece = bytes.subarray(at, at + 1777);
      await request.write(
        Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]),
      );
    }
    await request.write('0\r\n\r\n');
    expect(await request.status()).toBe('200');
    request.socket.destroy();
    expect(await photoOf(user)).toEqual([300, 220]);
  });

  it('takes a chunked body only up to its bound, and answers 413', async () => {
    const user = await server.stranger('Endless');
    const request = await RawUpload.begin(server.port, '/user', user.token, ['Transfer-Encoding: chunked']);
    const piece = Buffer.concat([
      Buffer.from(`${(64 * 1024).toString(16)}\r\n`),
      Buffer.alloc(64 * 1024, 'x'),
      Buffer.from('\r\n'),
    ]);
    // Without a boundary nothing is a part: what is counted is the whole.
    for (let sent = 0; sent < 12 * MIB && request.text === ''; sent += 64 * 1024) await request.write(piece);
    expect(await request.status()).toBe('413');
    request.socket.destroy();
    expect(await temporary()).toEqual([]);
  });

  it.each([
    ['no token', undefined, '/user', '401'],
    ['a bad token', 'e30.e30.e30', '/group', '401'],
  ])('with %s is answered while its body is being sent', async (_name, token, path, status) => {
    const bytes = multipartBody([jsonPart({}), photoPart(randomBytes(3 * MIB))]);
    const request = await RawUpload.begin(server.port, path, token, [`Content-Length: ${bytes.length}`]);
    await request.write(bytes.subarray(0, 1000));
    expect(await request.status()).toBe(status);
    request.socket.destroy();
    expect(await temporary()).toEqual([]);
  });

  it('with no token is answered also to a client that first sends everything', async () => {
    for (let tries = 0; tries < 10; tries++) {
      const bytes = multipartBody([jsonPart({}), photoPart(randomBytes(3 * MIB))]);
      const request = await RawUpload.begin(server.port, '/user', undefined, [
        `Content-Length: ${bytes.length}`,
      ]);
      request.socket.pause();
      await request.write(bytes);
      request.socket.resume();
      expect(await request.status()).toBe('401');
      request.socket.destroy();
    }
  });
});

describe('uploads at the same time', () => {
  it('of sixteen users are each kept whole', async () => {
    const users = await Promise.all(
      Array.from({ length: UPLOADS_AT_A_TIME_MAX }, () => server.stranger('Parallel')),
    );
    const photos = users.map((_, index) => noisePng(200 + index, 250));
    const statuses = await Promise.all(
      users.map((user, index) => post(user, body(user, photos[index] ?? Buffer.alloc(0)))),
    );
    expect(statuses).toEqual(users.map(() => 200));
    for (const [index, user] of users.entries()) {
      expect(await photoOf(user)).toEqual([200 + index, 250]);
    }
    expect(await temporary()).toEqual([]);
  });

  it('of one user make one profile, with the photo that came with it', async () => {
    const user = await server.stranger('Eager');
    const photos = Array.from({ length: 20 }, (_, index) => noisePng(80 + index, 80));
    const statuses = await Promise.all(
      photos.map((photo, index) => {
        const json = {
          username: index % 2 ? user.username : `other-${index}-${user.id}`,
          name: `Eager ${index}`,
        };
        const bytes = multipartBody([jsonPart(json), photoPart(photo)]);
        return postWhenTaken(user, bytes);
      }),
    );
    expect([...statuses].sort()).toEqual([200, ...Array(19).fill(400)]);
    const winner = statuses.indexOf(200);
    expect((await user.get('/user')).body.name).toBe(`Eager ${winner}`);
    expect(await photoOf(user)).toEqual([80 + winner, 80]);
    expect(await readdir(join(server.dataDir, 'files', 'users', String(user.id)))).toHaveLength(2);
    expect(await temporary()).toEqual([]);
  });
});
