import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../src/api/operation.js';
import { routes } from '../../../src/api/routes.js';
import { Cors, isPreflight, PREFLIGHT_HEADERS } from '../../../src/server/http/cors.js';
import { securityHeaders } from '../../../src/server/http/security-headers.js';

const PAGE = 'https://chat.example';

/** The fields that are written for a page. */
function writtenFor(cors: Cors, origin: string | undefined): string[] {
  const written: string[] = [];
  const res = {
    writeHeader(name: string, value: string) {
      written.push(`${name}: ${value}`);
      return res as never;
    },
  };
  cors.writeHeaders(res as never, origin);
  return written;
}

const fieldsOf = (cors: Cors) => securityHeaders({ tls: false, cors }).json[1].split('\r\n');

describe('without ALLOWED_ORIGINS', () => {
  const cors = new Cors(undefined);

  it('pages of any origin may use the server, and every answer says so', () => {
    for (const origin of [undefined, PAGE, 'null', '*']) {
      expect(cors.allows(origin)).toBe(true);
      expect(writtenFor(cors, origin)).toEqual([]);
    }
    expect(fieldsOf(cors)).toContain('Access-Control-Allow-Origin: *');
    expect(fieldsOf(cors)).toContain('Access-Control-Expose-Headers: Retry-After, X-Request-Id');
  });

  it('answers do not vary by the page', () => {
    expect(fieldsOf(cors).filter((field) => field.startsWith('Vary'))).toEqual([]);
    expect(securityHeaders({ tls: false, cors }).image[1]).toContain('Vary: Authorization');
  });
});

describe('with ALLOWED_ORIGINS', () => {
  const cors = new Cors([PAGE, 'http://localhost:3000']);

  it('a page of one of them may, and reads that in the answer', () => {
    expect(cors.allows(PAGE)).toBe(true);
    expect(writtenFor(cors, PAGE)).toEqual([
      `Access-Control-Allow-Origin: ${PAGE}`,
      'Access-Control-Expose-Headers: Retry-After, X-Request-Id',
    ]);
  });

  it.each([
    'https://evil.example',
    'null',
    '*',
    '',
    'HTTPS://CHAT.EXAMPLE',
    `${PAGE}/`,
  ])('a page of another may not: %j', (origin) => {
    expect(cors.allows(origin)).toBe(false);
    expect(writtenFor(cors, origin)).toEqual([]);
  });

  it('what sends no Origin may, and is told nothing', () => {
    expect(cors.allows(undefined)).toBe(true);
    expect(writtenFor(cors, undefined)).toEqual([]);
  });

  it('answers vary by the page', () => {
    expect(fieldsOf(cors)).toContain('Vary: Origin');
    expect(fieldsOf(cors).join()).not.toContain('Access-Control');
    expect(securityHeaders({ tls: false, cors }).image[1]).toContain('Vary: Authorization, Origin');
  });
});

describe('a preflight', () => {
  const request = (method: string, headers: Readonly<Record<string, string>>) => ({
    method,
    header: (name: string) => headers[name] ?? '',
  });
  const both = { origin: PAGE, 'access-control-request-method': 'POST' };

  it('is OPTIONS with both of its headers, and nothing else', () => {
    expect(isPreflight(request('OPTIONS', both))).toBe(true);
    expect(isPreflight(request('POST', both))).toBe(false);
    expect(isPreflight(request('OPTIONS', { ...both, origin: '' }))).toBe(false);
    expect(isPreflight(request('OPTIONS', { origin: PAGE }))).toBe(false);
    expect(isPreflight(request('options', both))).toBe(false);
  });

  it('allows the methods of all routes, and HEAD', () => {
    const allowed = PREFLIGHT_HEADERS['Access-Control-Allow-Methods'].split(', ');
    for (const { method } of Object.values<Operation>(routes)) expect(allowed).toContain(method);
    expect(allowed).toEqual(['GET', 'HEAD', 'POST', 'PATCH', 'DELETE']);
  });
});
