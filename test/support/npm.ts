import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));

/** The versions of npm that the scripts are held to. */
export const NPM_VERSIONS = [10, 11] as const;

/** Installs a version of npm where the project keeps what can be made again, unless it is there. Returns its program. */
export function npmOf(major: (typeof NPM_VERSIONS)[number]): string {
  const folder = join(CACHE, `npm-${major}`);
  const program = join(folder, 'node_modules', 'npm', 'bin', 'npm-cli.js');
  if (existsSync(program)) return program;
  mkdirSync(dirname(folder), { recursive: true });
  const fresh = mkdtempSync(`${folder}-`);
  const install = ['install', '--prefix', fresh, '--no-audit', '--no-fund', '--no-save', `npm@${major}`];
  const { status, stderr } = spawnSync('npm', install, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the registry must be there for npm ${major}: ${stderr}`);
  try {
    renameSync(fresh, folder);
  } catch {
    rmSync(fresh, { recursive: true }); // Another run has put it there meanwhile.
  }
  return program;
}
