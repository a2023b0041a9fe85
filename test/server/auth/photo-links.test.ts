import { beforeEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/chat/users.js';
import { isLink, PhotoLinks } from '../../../src/server/auth/photo-links.js';

const PATH = '/api/v1/user/1/photo';
const HOUR_MS = 3_600_000;
/** A quarter past an hour. */
const NOON = 500_000 * HOUR_MS + HOUR_MS / 4;

let now: number;
let revoked: Map<string, number>;
beforeEach(() => {
  now = NOON;
  revoked = new Map();
});

const linksOf = (key: string) =>
  new PhotoLinks({
    key: Buffer.alloc(32, key),
    revokedBefore: (claim) => revoked.get(claim) ?? 0,
    now: () => now,
  });
const links = linksOf('k');
const link = (viewer: Caller, path = PATH) => links.linkTo(path, '0b6dd0a6', viewer);
const split = (url: string) => url.split('?') as [string, string];
const viewerOf = (url: string) => links.viewerOf(...split(url));

describe('a link to a photo', () => {
  it.each<Caller>([
    { id: 1 },
    { id: 999_999_999_999 },
    { subject: 'auth0|5c1e' },
    { subject: '007' },
    { subject: 'a+b & c=d %41 ä🌷\n\u0000"' },
    { subject: 'x'.repeat(255) },
  ])('brings its viewer: %j', (viewer) => {
    const url = link(viewer);
    expect(url).toMatch(/^[\x21-\x7e]+$/);
    expect(viewerOf(url)).toEqual(viewer);
    expect(viewerOf(`${url}&size=160`)).toEqual(viewer);
    expect(isLink(split(url)[1])).toBe(true);
  });

  it('stays the same for an hour, and is good for one more', () => {
    const first = link({ id: 1 });
    now = NOON + HOUR_MS / 2;
    expect(link({ id: 1 })).toBe(first);
    now = NOON + HOUR_MS;
    expect(link({ id: 1 })).not.toBe(first);
    now = NOON + 1.75 * HOUR_MS - 1;
    expect(viewerOf(first)).toEqual({ id: 1 });
    now += 1;
    expect(viewerOf(first)).toBeUndefined();
  });

  it('ends when the tokens of its viewer are revoked, and the next is good', () => {
    const [own, other] = [link({ id: 1 }), link({ id: 2 })];
    revoked.set('1', NOON / 1000);
    expect(viewerOf(own)).toBeUndefined();
    expect(viewerOf(other)).toEqual({ id: 2 });
    expect(viewerOf(link({ id: 1 }))).toEqual({ id: 1 });
  });

  it('is another one for a new photo', () => {
    expect(links.linkTo(PATH, 'ffffffff', { id: 1 })).not.toBe(link({ id: 1 }));
  });

  it('of another key is none', () => {
    expect(linksOf('l').viewerOf(...split(link({ id: 1 })))).toBeUndefined();
  });

  const url = () => link({ id: 1 });
  it.each<readonly [string, (url: string) => string]>([
    ['another path', (one) => one.replace('/user/1/', '/user/2/')],
    ['a group’s path', (one) => one.replace('/user/', '/group/')],
    ['a slash more', (one) => one.replace('/photo?', '/photo/?')],
    ['another viewer', (one) => one.replace('viewer=1', 'viewer=2')],
    ['a viewer with a zero', (one) => one.replace('viewer=1', 'viewer=01')],
    ['no viewer', (one) => one.replace('viewer=1&', '')],
    ['an empty viewer', (one) => one.replace('viewer=1', 'viewer=')],
    ['two viewers', (one) => `${one}&viewer=2`],
    ['a later end', (one) => one.replace(/expires=(\d+)/, (_, end) => `expires=${Number(end) + 3600}`)],
    ['an end with a zero', (one) => one.replace('expires=', 'expires=0')],
    ['an end in another form', (one) => one.replace(/expires=(\d+)/, (_, end) => `expires=${end}.0`)],
    ['an end without end', (one) => one.replace(/expires=\d+/, 'expires=Infinity')],
    ['an end that is far away', (one) => one.replace(/expires=\d+/, 'expires=9999999999999')],
    ['a negative end', (one) => one.replace('expires=', 'expires=-')],
    ['no end', (one) => one.replace(/&expires=\d+/, '')],
    ['no signature', (one) => one.replace(/&signature=.*/, '')],
    ['an empty signature', (one) => one.replace(/signature=.*/, 'signature=')],
    ['a shorter signature', (one) => one.slice(0, -1)],
    ['a longer signature', (one) => `${one}A`],
    ['padding', (one) => `${one}=`],
    ['two signatures', (one) => `${one}&signature=x`],
    ['the first letter of its signature changed', (one) => one.replace(/signature=(.)/, swap)],
    ['the last letter of its signature changed', (one) => one.replace(/(signature=.*)(.)$/, swapLast)],
    ['a letter that is none of base64', (one) => one.replace(/.$/, 'é')],
    ['nothing', () => `${PATH}?`],
    ['parameters of another kind', () => `${PATH}?size=160`],
  ])('with %s is none', (_what, change) => {
    const changed = change(url());
    expect(changed).not.toBe(url());
    expect(viewerOf(changed)).toBeUndefined();
  });

  const other = (letter: string) => (letter === 'A' ? 'B' : 'A');
  const swap = (_: string, letter: string) => `signature=${other(letter)}`;
  /** The next letter differs in bits that a decoder of base64 drops. */
  const swapLast = (_: string, begin: string, letter: string) =>
    begin + String.fromCharCode(letter.charCodeAt(0) + 1);
});
