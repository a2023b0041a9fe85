import { createHmac, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { SECRET } from './server.js';

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** A token with exactly these claims, whatever they are. */
export function sign(claims: object, alg = 'HS256', key: KeyObject | string = SECRET): Promise<string> {
  return new SignJWT(claims as Record<string, unknown>)
    .setProtectedHeader({ alg })
    .sign(typeof key === 'string' ? Buffer.from(key) : key);
}

/** A token made by hand, for headers and payloads that no library signs. */
export function forge(header: object, payload: object | string, secret: string | undefined = SECRET): string {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const signed = `${base64url(JSON.stringify(header))}.${base64url(text)}`;
  const signature = secret === '' ? '' : createHmac('sha256', secret).update(signed).digest('base64url');
  return `${signed}.${signature}`;
}

/** A token of exactly so many characters, like that of a login which lists what its user may do. */
export function forgeLong(characters: number, claims: object, header: object = { alg: 'HS256' }): string {
  const short = forge(header, { ...claims, more: '' });
  // Three bytes of claims make four characters.
  for (let more = Math.floor(((characters - short.length) * 3) / 4) - 3; ; more++) {
    const token = forge(header, { ...claims, more: 'x'.repeat(more) });
    if (token.length === characters) return token;
    if (token.length > characters) throw new Error(`no such token has ${characters} characters`);
  }
}

/** A token, or its signature, with another last letter that stands for the same bytes: its last bits are not used. */
export function respelt(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) ^ 1);
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
