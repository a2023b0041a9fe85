import { createHmac, randomBytes } from 'node:crypto';
import { SECRET } from '../../targets/parley.js';
import type { Attack, Context } from './attack.js';
import { getRequest, Requests, upgrade } from './requests.js';

const PER_SECOND = 10_000;
const CONNECTIONS = 100;
/** There are many tokens of each kind, so that the server cannot answer from a cache. */
const VARIANTS = 200;

const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

function signed(header: object, claims: object, secret: string): string {
  const text = `${base64url(header)}.${base64url(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** Tokens that must be refused: garbage, tampered with, signed with another key, unsigned, and expired. */
export function badTokens(variant: number): string[] {
  const nowS = Math.floor(Date.now() / 1000);
  const good = signed({ alg: 'HS256', typ: 'JWT' }, { sub: '1', jti: variant }, SECRET);
  return [
    randomBytes(100).toString('base64url'),
    `${good.slice(0, -6)}AAAAAA`,
    signed(
      { alg: 'HS256', typ: 'JWT' },
      { sub: '1', jti: variant },
      'the secret of somebody else, long enough',
    ),
    signed({ alg: 'HS256', kid: String(variant) }, { sub: '1' }, 'the secret of somebody else, long enough'),
    `${base64url({ alg: 'none' })}.${base64url({ sub: '1', jti: variant })}.`,
    signed({ alg: 'HS256', typ: 'JWT' }, { sub: '1', jti: variant, exp: nowS - 60 }, SECRET),
  ];
}

/** Half of the requests ask for an upgrade. */
export async function tokens(context: Context): Promise<Attack> {
  const bad = Array.from({ length: VARIANTS }, (_, variant) => badTokens(variant)).flat();
  const heads = bad.flatMap((token) => [getRequest('/user', token), upgrade('/main', token)]);
  const connections = Math.max(10, Math.round(CONNECTIONS * context.scale));
  return new Requests(context, { connections, perSecond: PER_SECOND * context.scale, heads });
}
