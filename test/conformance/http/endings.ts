import { expect, it } from 'vitest';
import { ask, createGroup, GOOD, HOST, head, JSON_TYPE, TOKEN } from './case.js';
import type { Answer } from './peer.js';
import type { CurrentStage, Stage } from './stage.js';

const DRIP_MS = 200;

const HALF_CLOSED: readonly (readonly [what: string, bytes: string, gets: readonly number[]])[] = [
  ['nothing', '', []],
  ['half of a first line', 'GET /api/v1/us', []],
  ['half of a head', GOOD.slice(0, -10), []],
  ['a head without its last byte', GOOD.slice(0, -1), []],
  ['a probe', head('GET /healthz HTTP/1.1', HOST), [200]],
  ['a request that looks at the log', GOOD, [200]],
  ['a refused request', ask('GET /api/v1/user', HOST), [400]],
  ['half of a body', createGroup('half closed').slice(0, -5), []],
  [
    'half of a chunk',
    `${ask('POST /api/v1/group', JSON_TYPE, 'Transfer-Encoding: chunked')}ff\r\n{"name":`,
    [],
  ],
];

/** What drips in, byte by byte, and never ends. */
const SLOW: readonly (readonly [what: string, begins: string])[] = [
  ['a head', `GET /api/v1/user HTTP/1.1\r\n${HOST}\r\n${TOKEN}\r\nX: `],
  ['a body', ask('POST /api/v1/group', JSON_TYPE, 'Content-Length: 1000')],
];

/** For each of them: what it got until the server ended the connection, or that it did not. */
export type SlowPeers = ReadonlyMap<string, Promise<readonly Answer[] | Error>>;

/** Sends peers that take their time: what becomes of them is known after 12 s, until when there is other work. */
export function sendSlowPeers(stage: Stage): SlowPeers {
  return new Map(SLOW.map(([what, begins]) => [what, drip(stage, begins).catch((error: Error) => error)]));
}

async function drip(stage: Stage, begins: string): Promise<readonly Answer[]> {
  const peer = await stage.peer();
  peer.write(begins);
  const timer = setInterval(() => peer.write('x'), DRIP_MS);
  try {
    await peer.end();
    return peer.answers;
  } finally {
    clearInterval(timer);
    peer.cut();
  }
}

/** Peers that leave early, or take their time. */
export function endings(stage: CurrentStage, slow: () => SlowPeers): void {
  it.each(HALF_CLOSED)('a peer that has no more to say after %s', async (_what, bytes, gets) => {
    const peer = await stage().peer();
    if (bytes !== '') peer.write(bytes);
    peer.finish();
    await stage().ends(peer);
    expect(peer.answers.map(({ status }) => status)).toEqual(gets);
    await stage().isWell();
  });

  it('nothing of what was half sent is there', async () => {
    expect(await stage().groupsNamed('half closed')).toBe(0);
  });

  it.each(SLOW)('a peer that takes its time over %s is cut off', async (what) => {
    expect(await slow().get(what)).toEqual([]);
    await stage().isWell();
  });
}
