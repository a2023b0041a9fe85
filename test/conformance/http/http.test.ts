import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINE } from '../../support/engine.js';
import { sampleOfCases } from '../sample.js';
import { type Case, titleOf } from './case.js';
import { chunks } from './chunks.js';
import { DEVIATIONS_HERE } from './deviations.js';
import { endings, type SlowPeers, sendSlowPeers } from './endings.js';
import { fields } from './fields.js';
import { framing } from './framing.js';
import { lines } from './lines.js';
import { pipelined, pipelining } from './pipelining.js';
import { requests } from './requests.js';
import { smuggling } from './smuggling.js';
import { splits } from './splits.js';
import { Stage } from './stage.js';
import { targets } from './targets.js';
import { turns } from './turns.js';

const ALL: readonly (readonly [what: string, cases: readonly Case[]])[] = [
  ['the length of a body', framing],
  ['a body in chunks', chunks],
  ['a request inside another', smuggling],
  ['the first line', lines],
  ['the fields', fields],
  ['the target', targets],
  ['what a request asks of the connection', requests],
  ['requests at once', pipelined],
];
const PLAYED = ALL.map(([what, cases]) => [what, sampleOfCases(what, cases)] as const);

let stage: Stage;
let slow: SlowPeers;
beforeAll(async () => {
  stage = await Stage.open();
  slow = sendSlowPeers(stage);
});
afterAll(() => stage.close());

describe.each(PLAYED)('%s', (_what, cases) => {
  it.each(cases.map((one) => [titleOf(one), one] as const))('%s', (_title, one) => stage.plays(one));
});

it('what was answered with 200 is stored, and nothing else', async () => {
  for (const [theme, name] of [
    [framing, 'framed'],
    [chunks, 'in chunks'],
    [requests, 'expected'],
  ] as const) {
    const [, played = []] = PLAYED[ALL.findIndex(([, cases]) => cases === theme)] ?? [];
    expect(await stage.groupsNamed(name)).toBe(played.filter(creates).length);
  }
});

function creates({ sends, gets }: Case): boolean {
  return gets.includes(200) && sends[0]?.startsWith('POST /api/v1/group ') === true;
}

describe('many requests', () => pipelining(() => stage));
describe('a cut', () => splits(() => stage));
describe('one connection', () => turns(() => stage));
describe('the end', () =>
  endings(
    () => stage,
    () => slow,
  ));

describe('what is known of the engine', () => {
  it('is pinned by a case for each name', () => {
    const pinned = new Set(PLAYED.flatMap(([, cases]) => cases.flatMap(({ deviates }) => deviates ?? [])));
    if (ENGINE === 'older') pinned.add('a first line that comes in two segments is 505'); // With the cuts.
    expect([...pinned].sort()).toEqual([...DEVIATIONS_HERE].sort());
  });
});
