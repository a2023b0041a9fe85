import { expect, it } from 'vitest';
import {
  ask,
  BOB,
  type Case,
  CHUNKED,
  chunk,
  HOST,
  head,
  JSON_TYPE,
  SMUGGLED,
  titleOf,
} from '../conformance/http/case.js';
import { chunks } from '../conformance/http/chunks.js';
import { framing } from '../conformance/http/framing.js';
import { Peer } from '../conformance/http/peer.js';
import { smuggling } from '../conformance/http/smuggling.js';
import type { TestUser } from '../support/user.js';
import type { Behind, CurrentBehind } from './behind.js';

const CASES: readonly Case[] = [...smuggling, ...framing, ...chunks];
/** Beyond 4xx a proxy refuses what it does not speak, and says when the server ended a connection. */
const REFUSALS = new Set([501, 503, 505]);
const LATER = ask(`GET /api/v1/user/${BOB}`);
/** Of them many are sent while others wait for what never comes. */
const VICTIMS = 100;

interface Outcome {
  readonly title: string;
  readonly statuses: readonly number[];
  readonly end: 'kept' | 'closed' | 'hangs';
}

export interface Outcomes {
  readonly cases: readonly Outcome[];
  /** What somebody else was shown meanwhile for a profile of his own: its ids. */
  readonly victim: readonly number[];
}

/** Sends all of them at once: for some, a proxy waits as long as it waits for anything. */
export async function attack({ proxy }: Behind, victim: TestUser): Promise<Outcomes> {
  const cases = Promise.all(CASES.map((one) => play(proxy.port, one)));
  const ids: number[] = [];
  while (ids.length < VICTIMS) ids.push((await victim.get('/user')).body.id);
  const attacked = await cases;
  ids.push((await victim.get('/user')).body.id);
  return { cases: attacked, victim: ids };
}

async function play(port: number, one: Case): Promise<Outcome> {
  const peer = await Peer.open(port, true);
  const outcome = (end: Outcome['end']) => ({
    title: titleOf(one),
    statuses: peer.answers.map(({ status }) => status),
    end,
  });
  try {
    for (const bytes of one.sends) peer.write(bytes);
    await peer.hears(1);
    peer.write(LATER); // Which may become the rest of what was begun.
    while (!peer.ended && !isLater(peer)) await peer.hears(peer.answers.length + 1);
    return outcome(peer.ended ? 'closed' : 'kept');
  } catch {
    return outcome('hangs');
  } finally {
    peer.cut();
  }
}

function isLater({ answers }: Peer): boolean {
  return answers.at(-1)?.body.startsWith(`{"id":${BOB},`) === true;
}

/** What an attacker sends to be read as two requests by two servers in a row. */
export function edge(current: CurrentBehind, outcomes: () => Promise<Outcomes>): void {
  it('answers each request of the sets on framing with what it gets, or a refusal, and leaves none hanging', async () => {
    const { cases } = await outcomes();
    expect(cases).toHaveLength(CASES.length);
    expect(cases.filter(({ end }) => end === 'hangs')).toEqual([]);
    const strange = cases.filter(({ statuses }) =>
      statuses.some((status) => status >= 500 && !REFUSALS.has(status)),
    );
    expect(strange).toEqual([]);
  });

  it('lets nothing through that came as a part of something else', async () => {
    await outcomes();
    const { body } = await current().alice.get('/chats?limit=1000');
    const names: string[] = body.rooms.map(({ name }: { name: string }) => name);
    expect(names).toContain('framed');
    expect(names).not.toContain('smuggled');
  });

  it('shows nobody an answer to somebody else meanwhile', async () => {
    const { bob } = current();
    expect([...new Set((await outcomes()).victim)]).toEqual([bob.id]);
  });

  it.each([
    ['at the end', ask('GET /hole/end', ': 1')],
    ['before the token', head('GET /hole/token HTTP/1.1', HOST, ': 1', 'Authorization: x')],
    ['before a length', ask('POST /hole/length', ': 1', `Content-Length: ${SMUGGLED.length}`) + SMUGGLED],
    ['before chunks', ask('POST /hole/chunks', ': 1', CHUNKED) + chunk(SMUGGLED) + chunk('')],
  ])('refuses a field without a name, %s', async (_what, bytes) => {
    const { proxy, relay } = current();
    const peer = await Peer.open(proxy.port, true);
    peer.write(bytes);
    await peer.end();
    expect(peer.answers.map(({ status }) => status)).toEqual([400]);
    expect(relay.received.join('')).not.toContain('/hole/');
  });

  it.each([
    ['a path that is none', ask('POST /tail', CHUNKED), 404],
    ['a write', ask('POST /api/v1/group', JSON_TYPE, CHUNKED), 200],
  ])('answers nobody for fields after the last chunk, of %s', async (_what, begins, status) => {
    const { proxy, relay, bob } = current();
    const tail = 'xx: /api/v1/tail HTTP/1.1\r\nhost: parley\r\n\r\n';
    const others: number[] = [];
    for (let round = 0; round < 5; round++) {
      const peer = await Peer.open(proxy.port, true);
      peer.write(`${begins}${chunk('{"name":"with a tail"}')}0\r\n${tail}`);
      await peer.hears(1);
      peer.write(LATER);
      await peer.hears(2);
      const [first, ...more] = peer.answers.map((answer) => answer.status);
      // The server may end the connection at once, as it does with a request before the answer to the one before.
      expect([status, 503]).toContain(first);
      expect(isLater(peer) ? more : []).toEqual(isLater(peer) ? [200] : []);
      peer.cut();
      others.push((await bob.get('/user')).body.id, (await bob.get('/user')).body.id);
    }
    expect([...new Set(others)]).toEqual([bob.id]);
    // Whatever follows the fields has a connection of its own.
    for (const bytes of relay.received.filter((all) => all.includes('/api/v1/tail')))
      expect(bytes.endsWith(tail)).toBe(true);
  });
}
