import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Operation } from '../../../src/api/operation.js';
import { ChatsNotFound } from '../../../src/api/refusal.js';
import { ChatError, rateLimited } from '../../../src/chat/errors.js';
import { freePort } from '../../../src/process/port.js';
import type { Authenticator } from '../../../src/server/auth/authenticator.js';
import type { Identity } from '../../../src/server/auth/identity.js';
import { PhotoLinks } from '../../../src/server/auth/photo-links.js';
import { createEngine, type Engine, listen } from '../../../src/server/engine.js';
import { type Handler, HttpGateway } from '../../../src/server/http/gateway.js';
import { readInput } from '../../../src/server/http/input.js';
import type { Admission } from '../../../src/server/limits/admission.js';
import { ClientAddresses } from '../../../src/server/limits/client-address.js';
import { uploadOptions } from '../../support/multipart.js';

/** What the stubs below were asked for, in order. */
let steps: string[] = [];
/** What the limit throws, if it refuses. */
let limit: ChatError | undefined;
let failures: unknown[] = [];
let handle: Handler;

const identity: Identity = { caller: { id: 1 }, expiresAt: undefined, issuedAt: 0 };
/** `now` is known at once, `later` after a turn; any other token is bad. */
const auth = {
  verifyNow: (token: string) => {
    steps.push(`token ${token}`);
    return token === 'now' ? identity : undefined;
  },
  verify: async (token: string) => {
    if (token !== 'later') throw new ChatError('unauthorized');
    return identity;
  },
} as unknown as Authenticator;
const admission = {
  admitRequest: () => {
    steps.push('limit');
    if (limit !== undefined) throw limit;
  },
  failedLogin: () => new ChatError('unauthorized'),
  refusals: { countError: ({ code }: ChatError) => steps.push(`refused ${code}`) },
} as unknown as Admission;

const PATCHED: Operation = {
  method: 'PATCH',
  path: '/thing/{id}',
  summary: '',
  body: z.object({ name: z.string() }),
  photo: true,
  errors: [],
  refusals: { chats_not_found: { fields: { rooms: [] }, schema: ChatsNotFound } },
};

let engine: Engine;
let http: HttpGateway;
let url: string;
beforeAll(async () => {
  engine = createEngine(undefined);
  http = new HttpGateway({
    auth,
    photoLinks: new PhotoLinks({ key: Buffer.alloc(32, 'k'), revokedBefore: () => 0, now: Date.now }),
    admission,
    addresses: new ClientAddresses([]),
    limitsAddresses: false,
    allowedOrigins: undefined,
    tls: false,
    failed: (error) => failures.push(error),
  });
  const handled: Handler = (exchange, who) => {
    steps.push('handler');
    return handle(exchange, who);
  };
  engine.patch('/thing/:id', (res, req) => http.serve(res, req, PATCHED, handled));
  engine.any('/open', (res, req) =>
    http.serveOpen(res, req, undefined, (exchange) => exchange.json(200, '{}')),
  );
  engine.any('/*', (res, req) => http.serve(res, req, undefined, handled));
  const port = await freePort();
  await listen(engine, '127.0.0.1', port);
  url = `http://127.0.0.1:${port}`;
});
afterAll(() => {
  engine.close();
  http.close();
});
beforeEach(() => {
  steps = [];
  failures = [];
  limit = undefined;
  handle = (exchange) => exchange.json(200, '{"ok":true}');
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`${url}${path}`, init);
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

describe('the way of a request', () => {
  it.each(['now', 'later'])('is token, limit, handler: a token that is known %s', async (token) => {
    expect(await ask('/', { headers: bearer(token) })).toEqual({ status: 200, body: { ok: true } });
    expect(steps).toEqual([`token ${token}`, 'limit', 'handler']);
  });

  it('ends at the token when that is bad or missing', async () => {
    expect(await ask('/', { headers: bearer('bad') })).toMatchObject({ status: 401 });
    expect(await ask('/')).toMatchObject({ status: 401 });
    expect(steps).toEqual(['token bad', 'refused unauthorized', 'refused unauthorized']);
  });

  it('ends at the limit, after the token', async () => {
    limit = rateLimited('requests', 1500);
    expect(await ask('/', { headers: bearer('now') })).toMatchObject({ status: 429 });
    expect(steps).toEqual(['token now', 'limit', 'refused rate_limited']);
  });

  it('ends before the token for a preflight', async () => {
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'PATCH' };
    expect(await ask('/', { method: 'OPTIONS', headers })).toEqual({ status: 204, body: undefined });
    expect(steps).toEqual([]);
  });

  it('needs no token where it is open', async () => {
    expect(await ask('/open')).toEqual({ status: 200, body: {} });
    expect(steps).toEqual([]);
  });

  it('leaves nothing pending', async () => {
    await ask('/', { headers: bearer('later') });
    expect([http.pending, http.handling]).toEqual([0, 0]);
  });
});

describe('what a handler throws', () => {
  const at = [
    [
      'at once',
      (error: unknown) => () => {
        throw error;
      },
    ],
    ['later', (error: unknown) => () => Promise.reject(error)],
    [
      'in a later part',
      (error: unknown): Handler =>
        (exchange) => {
          setImmediate(() =>
            exchange.run(() => {
              throw error;
            }),
          );
        },
    ],
  ] as const;

  it.each(at)('is the answer, %s', async (_when, failing) => {
    handle = failing(new ChatError('not_owner'));
    const answer = await ask('/', { headers: bearer('now') });
    expect(answer).toMatchObject({ status: 403, body: { status: 'error', code: 'not_owner' } });
    expect(steps.at(-1)).toBe('refused not_owner');
    expect(failures).toEqual([]);
  });

  it.each(at)('is logged and hidden when it is no refusal, %s', async (_when, failing) => {
    handle = failing(new TypeError('a secret'));
    const answer = await ask('/', { headers: bearer('now') });
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal' } });
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect(failures).toEqual([new TypeError('a secret')]);
  });

  it('has the fields that the endpoint adds, and at no other endpoint', async () => {
    handle = () => {
      throw new ChatError('chats_not_found');
    };
    const there = await ask('/thing/1', { method: 'PATCH', headers: bearer('now') });
    expect(there).toMatchObject({ status: 404, body: { rooms: [] } });
    expect((await ask('/', { headers: bearer('now') })).body).not.toHaveProperty('rooms');
  });
});

describe('a PATCH', () => {
  const temporaryDir = mkdtempSync(join(tmpdir(), 'parley-gateway-'));
  const options = uploadOptions(temporaryDir, 0);
  afterAll(() => {
    options.admission.close();
    rmSync(temporaryDir, { recursive: true });
  });

  beforeEach(() => {
    handle = async (exchange) => {
      const { body } = await readInput(exchange, PATCHED, { id: 1 }, options);
      exchange.json(200, JSON.stringify({ id: exchange.idText, body }));
    };
  });

  it('takes multipart', async () => {
    const body = new FormData();
    body.set('json', '{"name":"a"}');
    const answer = await ask('/thing/7', { method: 'PATCH', headers: bearer('now'), body });
    expect(answer).toEqual({ status: 200, body: { id: '7', body: { name: 'a' } } });
  });

  it('takes JSON, and has the id of its path', async () => {
    const init = (body: string, type: string) => ({
      method: 'PATCH',
      headers: { ...bearer('now'), 'content-type': type },
      body,
    });
    expect(await ask('/thing/7', init('{"name":"a"}', 'application/json'))).toEqual({
      status: 200,
      body: { id: '7', body: { name: 'a' } },
    });
    expect(await ask('/thing/7', init('{}', 'application/json'))).toMatchObject({ status: 400 });
    expect(await ask('/thing/7', init('name', 'text/plain'))).toMatchObject({ status: 415 });
  });
});
