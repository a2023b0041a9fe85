import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encoded, gif, png, pngHead, segment, webpExtended, webpLossless } from '../../support/images.js';
import { TestServer } from '../../support/server.js';
import { until } from '../../support/wait.js';

const dataDir = mkdtempSync(join(tmpdir(), 'parley-content-'));
const path = (...names: string[]) => join(dataDir, ...names);

let server: TestServer;
beforeAll(async () => {
  mkdirSync(path('files', 'users', '987654'), { recursive: true });
  mkdirSync(path('tmp'), { mode: 0o700 });
  writeFileSync(path('tmp', 'young'), 'x');
  server = await TestServer.start({ workers: 1, dataDir });
});
afterAll(async () => {
  await server.stop();
  rmSync(dataDir, { recursive: true });
});
afterEach(() => expect(server.output).not.toMatch(/a process ended|"level":"(error|fatal)"/));

/** A profile with these bytes as its photo, whatever they are called. */
function form(username: string, photo: Buffer, type: string, filename: string): FormData {
  const body = new FormData();
  body.set('json', JSON.stringify({ username, name: 'x' }));
  body.set('photo', new Blob([new Uint8Array(photo)], { type }), filename);
  return body;
}

it('what a crash left is swept at the start, and what is young stays', async () => {
  await until(() => !existsSync(path('files', 'users', '987654')));
  expect(existsSync(path('tmp', 'young'))).toBe(true);
});

describe('of an image that is something else, too, nothing but the image is kept:', () => {
  const script = Buffer.from('<html><body onload=alert(1)><script>alert(1)</script>');
  it.each([
    ['a GIF that is a script', 'webp', () => Buffer.concat([gif(0x2a2f, 1), Buffer.from('*/=1;alert(1)//')])],
    ['a GIF that is a page', 'webp', () => Buffer.concat([gif(1, 1), script])],
    ['a PNG that is a page', 'webp', () => png(1, 1, script)],
    ['a PNG that is an archive', 'webp', () => png(1, 1, Buffer.from('PK\x03\x04'))],
    ['a JPEG with a page in a comment', 'jpeg', async () => withSegment(0xfe, script)],
    ['a JPEG with a page in its EXIF', 'jpeg', async () => withSegment(0xe1, script)],
    [
      'a WebP that is an SVG',
      'webp',
      async () => Buffer.concat([await encoded('webp', 1, 1), Buffer.from('<svg onload=alert(1)>')]),
    ],
  ])('%s', async (_name, type, make) => {
    const user = await server.stranger('Polyglot');
    const body = form(user.username, await make(), 'text/html', '../../evil.html');
    expect((await user.post('/user', body)).status).toBe(200);
    const response = await fetch(`${server.url}/api/v1/user/${user.id}/photo`, {
      headers: { authorization: `Bearer ${user.token}` },
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': `image/${type}`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
    });
    expect(Buffer.from(await response.arrayBuffer()).toString('latin1')).not.toMatch(/alert|script/);
  });

  async function withSegment(marker: number, payload: Buffer): Promise<Buffer> {
    const image = await encoded('jpeg', 4, 4);
    return Buffer.concat([image.subarray(0, 2), segment(marker, payload), image.subarray(2)]);
  }
});

describe('photo_invalid, whatever it is called:', () => {
  it.each([
    [
      'an SVG',
      Buffer.from('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    ],
    ['an SVG behind a byte order mark', Buffer.from('\ufeff<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['a page', Buffer.from('<!doctype html><script>alert(1)</script>')],
    ['a page with the magic of a GIF further on', Buffer.concat([Buffer.from('<!--'), gif(1, 1)])],
    ['a PNG behind a line break', Buffer.concat([Buffer.from('\n'), png(1, 1)])],
    ['a PDF', Buffer.from('%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\n')],
    ['an archive', Buffer.from(`PK\x03\x04${'\0'.repeat(60)}`, 'latin1')],
    ['a bitmap', Buffer.concat([Buffer.from('BM'), Buffer.alloc(60, 1)])],
    ['a TIFF', Buffer.concat([Buffer.from('II*\0', 'latin1'), Buffer.alloc(60)])],
    ['an AVIF', Buffer.from(`\0\0\0\x1cftypavif${'\0'.repeat(60)}`, 'latin1')],
    ['a PNG of 4 × 10¹⁸ pixels', pngHead(0x7fffffff, 0x7fffffff)],
    ['a PNG of 18 × 10¹⁸ pixels', pngHead(0xffffffff, 0xffffffff)],
    ['a GIF of 4 gigapixels', gif(65_535, 65_535)],
    ['a WebP of 280 terapixels', webpExtended(1 << 24, 1 << 24)],
    ['a WebP of 268 megapixels', webpLossless(16_384, 16_384)],
    ['a PNG one pixel over 120 megapixels wide', pngHead(120_000_001, 1)],
  ])('%s', async (_name, bytes) => {
    const user = await server.stranger('Refused');
    const answer = await user.post('/user', form(user.username, bytes, 'image/png', 'photo.png'));
    expect(answer).toMatchObject({ status: 400, body: { status: 'error', code: 'photo_invalid' } });
    expect((await user.get('/user')).status).toBe(404);
    expect(existsSync(path('files', 'users', String(user.id)))).toBe(false);
  });
});
