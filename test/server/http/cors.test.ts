import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../src/api/operation.js';
import { routes } from '../../../src/api/routes.js';
import { Cors, isPreflight, preflightHeaders } from '../../../src/server/http/cors.js';
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

const OWN = 'https://own.example';
const own = () => OWN;

const fieldsOf = (cors: Cors) => securityHeaders({ tls: false, cors }).json[1].split('\r\n');

describe('without ALLOWED_ORIGINS', () => {
  const cors = new Cors(undefined);

  it('pages of any origin may use the server, and every answer says so', () => {
    for (const origin of [undefined, PAGE, 'null', '*']) {
      expect(cors.allows(origin, own)).toBe(true);
      expect(writtenFor(cors, origin)).toEqual([]);
    }
    expect(fieldsOf(cors)).toContain('Access-Control-Allow-Origin: *');
    expect(fieldsOf(cors)).toContain('Access-Control-Expose-Headers: ETag, Retry-After, X-Request-Id');
  });

  it('answers do not vary by the page', () => {
    expect(fieldsOf(cors).filter((field) => field.startsWith('Vary'))).toEqual([]);
    expect(securityHeaders({ tls: false, cors }).image[1]).toContain('Vary: Authorization');
  });
});

describe('with ALLOWED_ORIGINS', () => {
  const cors = new Cors([PAGE, 'http://localhost:3000']);

  it('a page of one of them may, and reads that in the answer', () => {
    expect(cors.allows(PAGE, own)).toBe(true);
    expect(writtenFor(cors, PAGE)).toEqual([
      `Access-Control-Allow-Origin: ${PAGE}`,
      'Access-Control-Expose-Headers: ETag, Retry-After, X-Request-Id',
    ]);
  });

  it.each([
    'https://evil.example',
    'null',
    '*',
    '',
    'HTTPS://CHAT.EXAMPLE',
    `${PAGE}/`,
    'https://own.example:8443',
    'https://own.example/',
    'https://own.example, https://own.example',
    'https://user@own.example',
    'http://own.example',
    'ws://own.example',
    'own.example',
  ])('a page of another may not: %j', (origin) => {
    expect(cors.allows(origin, own)).toBe(false);
    expect(cors.allows(origin, () => undefined)).toBe(false);
  });

  it.each([
    OWN,
    `${OWN}:443`,
    'https://Own.Example',
    'wss://own.example',
    'WSS://own.example:443',
  ])('a page of the server itself may, and an app that calls itself so: %s', (origin) => {
    expect(cors.allows(origin, own)).toBe(true);
    expect(writtenFor(cors, origin)[0]).toBe(`Access-Control-Allow-Origin: ${origin}`);
  });

  it('what sends no Origin may, and is told nothing', () => {
    expect(cors.allows(undefined, own)).toBe(true);
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
    const allowed = preflightHeaders('')['Access-Control-Allow-Methods']?.split(', ');
    for (const { method } of Object.values<Operation>(routes)) expect(allowed).toContain(method);
    expect(allowed).toEqual(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);
  });

  it.each([
    ['nothing', '', []],
    ['what is allowed anyway, in any letters', 'authorization, CONTENT-TYPE', []],
    [
      'what tracing libraries add',
      'baggage,sentry-trace,traceparent',
      ['baggage', 'sentry-trace', 'traceparent'],
    ],
    ['names of any token', "X-Requested-With , !#$%&'*+.^_`|~9", ['X-Requested-With', "!#$%&'*+.^_`|~9"]],
    ['as many as 64', Array(64).fill('x').join(), Array(64).fill('x')],
  ])('lets a page send what it asks for: %s', (_what, requested, more) => {
    const allowed = ['Authorization', 'Content-Type', ...more].join(', ');
    expect(preflightHeaders(requested)['Access-Control-Allow-Headers']).toBe(allowed);
  });

  it.each([
    ['more than 64', Array(65).fill('x').join()],
    ['a list with a gap', 'baggage,,traceparent'],
    ['a name with a blank', 'bag gage'],
    ['a field', 'x: y'],
    ['control characters', 'a\tb'],
    ['letters that are not ASCII', 'bäggage'],
    ['quotes', '"baggage"'],
  ])('allows only the usual headers to who asks for %s', (_what, requested) => {
    expect(preflightHeaders(requested)['Access-Control-Allow-Headers']).toBe('Authorization, Content-Type');
  });

  it('is kept for a day, where a browser does', () => {
    expect(preflightHeaders('')['Access-Control-Max-Age']).toBe('86400');
  });
});
