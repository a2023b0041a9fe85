import { expect, it } from 'vitest';
import { ask, BOB, CHAT, CHUNKED, chunk, createGroup, HOST, head, JSON_TYPE, lengthOf } from './case.js';
import { isFramed } from './peer.js';
import type { CurrentStage } from './stage.js';

const OVER = 'x'.repeat(1024 * 1024 + 1);
const post = (body: string, ...fields: string[]) =>
  ask('POST /api/v1/group', lengthOf(body), ...fields) + body;

/** One request of each kind, and its status. */
const TURNS: readonly (readonly [what: string, bytes: string, status: number])[] = [
  ['GET', ask('GET /api/v1/user'), 200],
  ['HEAD', ask('HEAD /api/v1/user'), 200],
  ['HEAD of what is not there', ask('HEAD /api/v1/user/999'), 404],
  ['HEAD without a token', head('HEAD /api/v1/user HTTP/1.1', HOST), 401],
  ['HEAD where only POST is', ask('HEAD /api/v1/group'), 405],
  ['HEAD of a probe', head('HEAD /healthz HTTP/1.1', HOST), 200],
  ['OPTIONS', ask('OPTIONS /api/v1/user'), 405],
  ['a preflight', ask('OPTIONS /api/v1/user', 'Origin: x', 'Access-Control-Request-Method: GET'), 204],
  ['a method that is not taken, with a body', `${ask('PUT /api/v1/user', 'Content-Length: 3')}abc`, 405],
  ['a path that is none', ask('GET /api/v1/nothing'), 404],
  ['a path that is none, with a body', `${ask('POST /api/v1/nothing', 'Content-Length: 3')}abc`, 404],
  ['no token', head('GET /api/v1/user HTTP/1.1', HOST), 401],
  ['a body of no type', post('{"name":"g"}'), 415],
  ['a body of another type', post('{"name":"g"}', 'Content-Type: text/plain'), 415],
  ['a body that is too large', post(OVER, JSON_TYPE), 413],
  ['a body that is no JSON', post('{', JSON_TYPE), 400],
  [
    'a body in chunks',
    ask('POST /api/v1/group', JSON_TYPE, CHUNKED) + chunk('{"name":"g"}') + chunk(''),
    200,
  ],
  ['a body', createGroup('g'), 200],
  ['a POST without a body', ask(`POST /api/v1/chat/${BOB}`), 200],
  ['a GET with a body', `${ask(`GET /api/v1/chat/${CHAT}/info`, 'Content-Length: 3')}abc`, 200],
  ['a DELETE with a body', `${ask('DELETE /api/v1/group/999', 'Content-Length: 3')}abc`, 404],
  ['a plain GET on a WebSocket path', ask('GET /api/v1/main'), 426],
];

export function turns(stage: CurrentStage): void {
  it.each(TURNS)('after %s, any other gets what it gets alone', async (_what, bytes, status) => {
    const peer = await stage().peer();
    let count = 0;
    for (const [what, next, its] of TURNS) {
      for (const [title, request, expected] of [
        ['the first', bytes, status] as const,
        [what, next, its] as const,
      ]) {
        peer.write(request);
        count += 1;
        await peer.hears(count);
        const answer = peer.answers[count - 1];
        if (answer === undefined) throw new Error(`${title} ended the connection, before ${what}`);
        expect({ what, title, status: answer.status }).toEqual({ what, title, status: expected });
        expect(isFramed(answer, request.startsWith('HEAD ')), `${title}: ${JSON.stringify(answer)}`).toBe(
          true,
        );
      }
    }
    await stage().pulse();
    expect(peer.answers).toHaveLength(count);
    peer.cut();
  });
}
