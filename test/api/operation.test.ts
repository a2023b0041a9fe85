import { describe, expect, it } from 'vitest';
import { errorsOf, NO_ENDPOINT_ERRORS, type Operation, upgradeErrorsOf } from '../../src/api/operation.js';
import { refusalBody } from '../../src/api/refusal.js';
import { channels, routes } from '../../src/api/routes.js';
import { statusOf } from '../../src/api/status.js';
import { ChatError, ERROR_CODES, rateLimited } from '../../src/chat/errors.js';
import { NewProfile } from '../../src/chat/users.js';
import { expectOfContract } from '../support/strict.js';

const all = Object.entries<Operation>(routes);

describe('what an endpoint may refuse with', () => {
  it.each(all)('of %s has no code twice', (_name, route) => {
    const codes = errorsOf(route);
    expect([...new Set(codes)]).toEqual(codes);
  });

  it.each(all)('of %s has what every endpoint may say', (_name, route) => {
    const statuses = new Set(errorsOf(route).map(statusOf));
    for (const status of [400, 401, 429, 500, 503]) expect(statuses).toContain(status);
  });

  const plain: Operation = { method: 'GET', path: '/x', summary: '', errors: [] };
  it.each([
    ['an id', { path: '/x/{id}' }, ['invalid_id']],
    ['an emoji', { path: '/x/{emoji}' }, ['invalid_field']],
    ['pages', { paged: true }, ['invalid_query']],
    ['pages at a place', { placed: true }, ['invalid_query']],
    ['users in the query', { usersInQuery: true }, ['invalid_query']],
    ['what may be done already', { ifNeeded: true }, ['invalid_query']],
    [
      'a body',
      { body: NewProfile },
      ['invalid_field', 'invalid_json', 'too_large', 'unsupported_media_type'],
    ],
    [
      'a photo',
      { photo: true },
      ['invalid_multipart', 'photo_heic_unsupported', 'photo_invalid', 'storage_low'],
    ],
    ['a change', { method: 'PATCH' }, ['overloaded', 'storage_full']],
    ['errors of its own', { errors: ['not_owner'] }, ['not_owner']],
  ] as const)('grows with %s', (_what, trait: Partial<Operation>, codes) => {
    const before = errorsOf(plain);
    const after = errorsOf({ ...plain, ...trait });
    expect(after.filter((code) => !before.includes(code))).toEqual(codes);
  });

  it('is said of every code somewhere, or it is one of frames alone', () => {
    const declared = new Set([
      ...all.flatMap(([, route]) => errorsOf(route)),
      ...channels.flatMap(upgradeErrorsOf),
      ...NO_ENDPOINT_ERRORS,
    ]);
    const ofFrames = ERROR_CODES.filter((code) => !declared.has(code));
    expect(ofFrames).toEqual(['invalid_frame', 'too_many_bad_frames', 'unknown_type']);
  });
});

describe('the body of a refusal', () => {
  const error = new ChatError('chats_not_found');
  const body = { status: 'error', code: 'chats_not_found', error: error.message };

  it('has the fields that its endpoint adds, and at other endpoints not', () => {
    expect(refusalBody(error, routes.listChats)).toEqual({ ...body, rooms: [] });
    expect(refusalBody(error, routes.getMe)).toEqual(body);
    expect(refusalBody(error, undefined)).toEqual(body);
  });

  it('is of the schema that the endpoint declares for it', () => {
    for (const [, route] of all) {
      for (const [code, { schema }] of Object.entries(route.refusals ?? {})) {
        const refusal = refusalBody(new ChatError(code as ChatError['code']), route);
        expect(schema.parse(refusal)).toEqual(refusal);
      }
    }
  });
});

describe('the strict test of answers', () => {
  const answer = (error: ChatError, status: number) => ({
    status,
    body: refusalBody(error, undefined),
    headers: new Headers({ 'x-request-id': 'abc-1' }),
  });

  it.each(all)('takes 429 of %s, as its limits are declared', (_name, { method, path }) => {
    const path429 = path.replace('/api/v1', '').replace('{id}', '1');
    expectOfContract(method, path429, answer(rateLimited('requests', 100), 429));
  });

  it.each([
    ['a code that is not declared', new ChatError('self_chat'), 400],
    ['the status of another code', new ChatError('user_not_found'), 400],
    ['a fault of the server', new ChatError('internal'), 500],
    ['details that the contract does not have', new ChatError('user_not_found', { details: { x: 1 } }), 404],
    ['details with nothing in them', new ChatError('user_not_found', { details: {} }), 404],
  ])('notices %s', (_what, error, status) => {
    expect(() => expectOfContract('GET', '/user/1', answer(error, status))).toThrow();
  });
});
