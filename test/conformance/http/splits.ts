import { expect, it } from 'vitest';
import { ENGINE } from '../../support/engine.js';
import { sampleOf } from '../sample.js';
import { ask, CHUNKED, chunk, createGroup, GOOD, JSON_TYPE } from './case.js';
import { DEVIATIONS, type DeviationName } from './deviations.js';
import type { CurrentStage } from './stage.js';

const NAME: DeviationName = 'a first line that comes in two segments is 505';
const VERSION = ' HTTP/1.1\r\n';
const DATA = '{"name":"cut in chunks"}';
const inChunks =
  ask('POST /api/v1/group', JSON_TYPE, CHUNKED) + chunk(DATA.slice(0, 9)) + chunk(DATA.slice(9)) + chunk('');

/** Where the older engine does not bear the end of a segment: after the method's blank, and within the version. */
function fragile(bytes: string): number[] {
  if (ENGINE === 'newer') return [];
  const version = bytes.indexOf(VERSION);
  return [bytes.indexOf(' ') + 1, ...Array.from(VERSION.slice(1), (_, index) => version + 1 + index)];
}

/** The statuses that a request gets when it comes in two segments, for each place of the cut that this run plays. */
async function cutEverywhere(stage: CurrentStage, bytes: string): Promise<Map<number, string>> {
  const seen = new Map<number, string>();
  const places = Array.from({ length: bytes.length - 1 }, (_, n) => n + 1);
  const pinned = fragile(bytes);
  for (const at of sampleOf(bytes, places, (place) => pinned.includes(place))) {
    const peer = await stage().peer();
    await stage().send(peer, [bytes.slice(0, at), bytes.slice(at)]);
    await peer.hears(1);
    await stage().pulse();
    seen.set(at, peer.answers.map(({ status }) => status).join());
    peer.cut();
  }
  return seen;
}

export function splits(stage: CurrentStage): void {
  it.each([
    ['a GET', GOOD, '200'],
    ['a POST with a length', createGroup('cut'), '200'],
    ['a POST in chunks', inChunks, '200'],
    ['a DELETE that gets an error', ask('DELETE /api/v1/group/999'), '404'],
  ])(`of %s at every byte changes nothing${ENGINE === 'older' ? ` (deviates: ${NAME})` : ''}`, async (_what, bytes, status) => {
    expect(DEVIATIONS[NAME]).toBeDefined();
    const places = fragile(bytes);
    expect(places).toHaveLength(ENGINE === 'older' ? 11 : 0);
    for (const [at, statuses] of await cutEverywhere(stage, bytes))
      expect({ at, statuses }).toEqual({ at, statuses: places.includes(at) ? '505' : status });
  });

  it.each([
    ['a GET', GOOD],
    ['a POST with a length', createGroup('cut')],
    ['a POST in chunks', inChunks],
  ])('of %s into single bytes, after its first line, changes nothing', async (_what, bytes) => {
    const line = bytes.indexOf('\r\n') + 2;
    await stage().plays({
      what: 'bytes',
      sends: [bytes.slice(0, line), ...bytes.slice(line)],
      gets: [200],
      fate: 'kept',
    });
  });

  it('creates what was asked for once for each request', async () => {
    const whole = createGroup('cut once');
    const made = await cutEverywhere(stage, whole);
    const answered = [...made.values()].filter((statuses) => statuses === '200').length;
    expect(await stage().groupsNamed('cut once')).toBe(answered);
  });
}
