import { expect, it } from 'vitest';
import { ENGINE } from '../../support/engine.js';
import { ask, type Case, closed, createGroup, deviating, GOOD, HOST, head, kept, SMUGGLED } from './case.js';
import type { Answer } from './peer.js';
import type { CurrentStage } from './stage.js';

const PROBE = head('GET /healthz HTTP/1.1', HOST);
const AT_ONCE = 200;

/** What is answered in the tick in which it is read: everything but what looks at the log, or has a body. */
const atOnce: readonly (readonly [bytes: string, status: number])[] = [
  [PROBE, 200],
  [ask('GET /nothing'), 404],
  [`${head('POST /healthz HTTP/1.1', HOST, 'Content-Length: 3')}abc`, 405],
  [head('GET /api/v1/user HTTP/1.1', HOST), 401],
  [ask('PUT /api/v1/user'), 405],
  [ask('GET /api/v1/user/0'), 400],
  [ask('GET /api/v1/main'), 426],
  [ask('DELETE /api/v1/nothing'), 404],
];
const all = atOnce.map(([bytes]) => bytes);
const statuses = atOnce.map(([, status]) => status);

export const pipelined: readonly Case[] = [
  kept('requests of every kind at once', all.join(''), ...statuses),
  kept('requests of every kind, cut between two bytes of each', cut(all), ...statuses),
  kept(
    'a request after each kind of error',
    all
      .slice(1)
      .flatMap((bytes) => [bytes, PROBE])
      .join(''),
    ...statuses.slice(1).flatMap((status) => [status, 200]),
  ),
  kept('half a request after a whole one', [PROBE + PROBE.slice(0, 30), PROBE.slice(30)], 200, 200),
  ...deviating(
    'a request before the answer to the one before ends the connection',
    closed('two requests that look at the log', GOOD + GOOD),
    closed('a request that looks at the log, and a probe', GOOD + PROBE),
    closed('a body, and a request', createGroup('pipelined') + GOOD),
    closed('a body, and another that must not be stored', createGroup('pipelined') + SMUGGLED),
  ),
  ...deviating(
    'an answer of the same segment is lost with the connection',
    closed('a probe, and what is no request', PROBE + head('GET / HTTP/9') + PROBE, 505),
    closed('a probe, and a request without Host', PROBE + head('GET / HTTP/1.1', 'X: 1') + PROBE, 400),
    closed(
      'a probe, and a request with two Host',
      PROBE + head('GET / HTTP/1.1', HOST, HOST) + PROBE,
      ...(ENGINE === 'newer' ? [400] : []), // The older one leaves them to the server.
    ),
    closed(
      'a probe, and a request with two lengths',
      PROBE + ask('GET /', 'Content-Length: 0', 'Content-Length: 0') + PROBE,
    ),
    closed('a probe, and two requests that look at the log', PROBE + GOOD + GOOD),
  ),
  ...deviating(
    'what follows Connection: close is answered',
    kept(
      'Connection: close, and a request',
      head('GET /healthz HTTP/1.1', HOST, 'Connection: close') + PROBE,
      200,
      200,
    ),
  ),
];

/** Pieces whose ends are in the middle of a field, where the engine bears it. */
function cut(requests: readonly string[]): string[] {
  const pieces: string[] = [];
  let rest = '';
  for (const bytes of requests) {
    const middle = bytes.indexOf('Host') + 2;
    pieces.push(rest + bytes.slice(0, middle));
    rest = bytes.slice(middle);
  }
  return [...pieces, rest];
}

/** What belongs to many answers. */
export function pipelining(stage: CurrentStage): void {
  it(`answers ${AT_ONCE} probes at once, each once, in their order`, async () => {
    const peer = await stage().peer();
    peer.write(PROBE.repeat(AT_ONCE));
    await peer.hears(AT_ONCE);
    await stage().pulse();
    expect(peer.answers.map(({ status }) => status)).toEqual(Array(AT_ONCE).fill(200));
    const numbers = peer.answers.map(numberOf);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    peer.cut();
  });

  it(`answers ${AT_ONCE} requests one after the other, each once, with what it asked for`, async () => {
    const peer = await stage().peer();
    for (let n = 1; n <= AT_ONCE; n++) {
      peer.write(ask(n % 2 === 0 ? 'GET /api/v1/user/1' : 'GET /api/v1/user/2'));
      await peer.hears(n);
    }
    const ids = peer.answers.map(({ body }) => /^\{"id":(\d+),/.exec(body)?.[1]);
    expect(ids).toEqual(Array.from({ length: AT_ONCE }, (_, n) => (n % 2 === 0 ? '2' : '1')));
    peer.cut();
  });
}

/** The worker numbers its requests as they come. */
function numberOf({ head }: Answer): number {
  return Number(/^x-request-id: [0-9a-f]+-(\d+)$/m.exec(head)?.[1]);
}
