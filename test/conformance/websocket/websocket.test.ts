import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../../support/server.js';
import { stopUnharmed } from '../../support/strict.js';
import { sampleOf, sampleOfCases } from '../sample.js';
import { bits } from './bits.js';
import { type Case, pinned, titleOf } from './case.js';
import { closing } from './closing.js';
import { DEVIATIONS } from './deviations.js';
import { fragmentation } from './fragmentation.js';
import { say, text } from './frame.js';
import { handshakes } from './handshakes.js';
import { interleaving } from './interleaving.js';
import { lengths } from './lengths.js';
import { masking } from './masking.js';
import { acceptOf, shake, shakeInHaste, shakeInPieces, shakeInTwo } from './opening.js';
import { pings } from './pings.js';
import { Stage } from './stage.js';
import { utf8 } from './utf8.js';
import { writes } from './writes.js';

const THEMES: Readonly<Record<string, readonly Case[]>> = {
  'the length of a frame': lengths,
  'the bits and the opcode of a frame': bits,
  'the mask of a frame': masking,
  'a message in fragments': fragmentation,
  'frames between fragments': interleaving,
  'UTF-8': utf8,
  'pings and pongs': pings,
  'the closing handshake': closing,
  'frames and writes': writes,
};

const PLAYED = Object.entries(THEMES).map(([theme, cases]) => [theme, sampleOfCases(theme, cases)] as const);

let server: TestServer;
let stage: Stage;
beforeAll(async () => {
  server = await TestServer.start({ workers: 1 });
  stage = await Stage.open(server);
});
afterAll(async () => {
  stage.close();
  await stopUnharmed(server);
});

describe('the opening handshake', () => {
  for (const handshake of sampleOf('the opening handshake', handshakes)) {
    const { what, section, status } = handshake;
    it(`${what} → ${status} (${section})`, () => shake(stage, handshake));
  }

  it('is accepted with what RFC 6455 has for its example (1.3)', () => {
    expect(acceptOf('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });

  it('may come byte by byte after its first line', () => shakeInPieces(stage, 'byte by byte'));

  it('is answered before anything that comes with it, which is dropped (4.1)', () => shakeInHaste(stage));

  it('may come in two writes, cut anywhere after its first line', () => shakeInTwo(stage));
});

for (const [theme, cases] of PLAYED) {
  describe.concurrent(theme, () => {
    for (const one of cases) it(titleOf(one), () => stage.play(one));
  });
}

describe('what the server sends', () => {
  it('is a frame whose length has 64 bits from 65,536 bytes on (5.2)', async () => {
    const speaker = await stage.connect(stage.path);
    const long = 'x'.repeat(4096);
    for (let n = 0; n < 20; n++) speaker.write(text(say(long)));
    await speaker.steppedTo(20);
    expect(speaker.steps).toEqual(Array(20).fill(`message ${long}`));
    speaker.cut();
    const reader = await stage.connect(stage.path, 20);
    expect(reader.longest).toBeGreaterThan(20 * 4096);
    reader.cut();
  });
});

describe('the deviations', () => {
  const all = Object.values(THEMES).flat();

  it('are all shown', () => {
    const played = PLAYED.flatMap(([, cases]) => cases);
    const cuts = played.some(({ gets }) => gets.some((step) => step.startsWith('fails ')));
    const shown = played.flatMap(({ deviates }) => deviates?.as ?? []);
    expect(new Set([...shown, ...(cuts ? ['cut instead of closed'] : [])])).toEqual(
      new Set(Object.keys(DEVIATIONS)),
    );
  });

  it('are none where the RFC is followed', () => {
    for (const one of all) {
      if (one.deviates !== undefined) expect(pinned(one), one.what).not.toEqual(one.gets);
    }
  });

  it('and cases have names of their own', () => {
    const titles = Object.values(THEMES).map((cases) => cases.map(({ what }) => what));
    for (const names of titles) expect(names).toEqual([...new Set(names)]);
  });
});
