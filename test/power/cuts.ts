import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../src/prove/random.js';
import type { Disk, File, Folder } from './disk.js';
import { Platter } from './image.js';
import { examine } from './survivor.js';
import type { Recording } from './workload.js';

export interface Cuts {
  /** Acknowledged messages in the image that had most of them. */
  readonly acknowledgedMost: number;
  /** The images that lack an acknowledged message, and those that are damaged, with what makes each of them again. */
  readonly losing: readonly CutImage[];
  readonly damaged: readonly CutImage[];
}

export interface CutImage {
  readonly cut: number;
  readonly seed: number;
  readonly findings: string;
}

export interface CutOptions {
  readonly images: number;
  readonly seed: number;
  /** Where the images are made, one after the other. */
  readonly folder: string;
  /** Files and folders whose syncs do nothing. */
  readonly unsynced?: readonly (File | Folder)[];
}

/** Makes images of power cuts during a recording, and examines each. */
export async function cutPower(recording: Recording, options: CutOptions): Promise<Cuts> {
  const { images, seed, folder, unsynced = [] } = options;
  const platter = new Platter(recording.disk.root, new Set(unsynced));
  const image = join(folder, 'image');
  const losing: CutImage[] = [];
  const damaged: CutImage[] = [];
  let acknowledgedMost = 0;
  for (const [index, cut] of moments(recording, images, new Random(seed)).entries()) {
    const own = seed + index;
    platter.write(cut, new Random(own), image);
    const acknowledged = recording.acknowledged.filter(({ at }) => at <= cut);
    const newest = Math.max(0, ...recording.hinted.filter(({ at }) => at <= cut).map((hint) => hint.newest));
    const { damage, lost } = await examine(join(image, 'data'), { acknowledged, newest });
    acknowledgedMost = Math.max(acknowledgedMost, acknowledged.length);
    if (lost > 0) losing.push({ cut, seed: own, findings: `${lost} of ${acknowledged.length} lost` });
    if (damage.length > 0) damaged.push({ cut, seed: own, findings: damage.join('; ') });
    rmSync(image, { recursive: true, force: true });
  }
  return { acknowledgedMost, losing, damaged };
}

/** Makes one image again, for somebody who wants to look at it. */
export function again(disk: Disk, { cut, seed }: CutImage, path: string): void {
  new Platter(disk.root).write(cut, new Random(seed), path);
}

/** Lines of the trace in order: a third of them at any call, a third at a sync, a third at an acknowledgement. */
function moments({ calls, acknowledged }: Recording, count: number, random: Random): number[] {
  const choices = [
    calls.map(({ begun }) => begun),
    calls.filter(({ name }) => name === 'fsync' || name === 'fdatasync').map(({ begun }) => begun),
    acknowledged.map(({ at }) => at),
  ];
  return Array.from({ length: count }, (_, index) => random.pick(choices[index % choices.length] ?? [])).sort(
    (a, b) => a - b,
  );
}
