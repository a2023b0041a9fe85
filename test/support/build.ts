import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The program as it is built. */
export const MAIN = join(ROOT, 'dist', 'main.js');

export interface Patch {
  /** Below dist/. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A copy of the built program with something changed; each patch must match once. Returns its main file. */
export function patchedBuild(folder: string, patches: readonly Patch[]): string {
  mkdirSync(folder, { recursive: true });
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const one of patches) patch(folder, one);
  return join(folder, 'dist', 'main.js');
}

/** Changes the build in this folder. */
export function patch(folder: string, { file, from, to }: Patch): void {
  const path = join(folder, 'dist', file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2)
    throw new Error(`this patch no longer applies: ${file} has it ${parts.length - 1} times: ${from}`);
  writeFileSync(path, parts.join(to));
}
