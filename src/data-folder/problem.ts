import { existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { OperatorError } from '../operator-error.js';

const PATH_CHARACTERS_MAX = 300;
const TAKE_ANOTHER = 'set DATA_DIR to another folder';

/** Says in one line what is wrong with the data folder, and what to do about it. */
export function folderProblem(dataDir: string, cause: string, advice = TAKE_ANOTHER): OperatorError {
  return new OperatorError(`DATA_DIR ${shown(dataDir)} ${cause}; ${advice}`);
}

/** Returns a path as it can stand within a line. */
export function shown(path: string): string {
  const short = path.length > PATH_CHARACTERS_MAX ? `${path.slice(0, PATH_CHARACTERS_MAX)}…` : path;
  return /[\p{C}\p{Z}"]/u.test(short) ? JSON.stringify(short).replace(/\p{C}/gu, '?') : short;
}

/** Returns an OperatorError for an error that the system gave for the data folder or something in it, else the error itself. */
export function asFolderProblem(dataDir: string, error: unknown): unknown {
  const { code, path = dataDir, message } = (error ?? {}) as NodeJS.ErrnoException;
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return refusal(dataDir, nearest(path), code);
    case 'EROFS':
      return folderProblem(
        dataDir,
        'is on a file system that is mounted read-only',
        `mount it writable, or ${TAKE_ANOTHER}`,
      );
    case 'ENOSPC':
      return fullDisk(dataDir, hasInodes(nearest(dataDir)) ? 'less than 1 MiB' : 'no inode');
    case 'EDQUOT':
      return folderProblem(
        dataDir,
        "is where this user's quota is used up",
        `free some space, or ${TAKE_ANOTHER}`,
      );
    case 'ENAMETOOLONG':
      return folderProblem(dataDir, `has a name of ${Buffer.byteLength(dataDir)} bytes, which is too long`);
    case 'ENOTDIR':
      return folderProblem(dataDir, 'is not a folder');
    case 'ELOOP':
      return folderProblem(dataDir, 'leads through links in a circle');
    default:
      // Every other error of the system has its number, and no error of ours has one.
      return typeof (error as NodeJS.ErrnoException | undefined)?.errno === 'number'
        ? folderProblem(dataDir, `cannot be used (${message})`)
        : error;
  }
}

/** Who is refused, by which rights, and what would change that. */
function refusal(dataDir: string, path: string, code: string): OperatorError {
  const { uid: owner, mode } = statSync(path);
  const user = process.geteuid?.();
  const rights = `it belongs to uid ${owner} and has mode ${(mode & 0o7777).toString(8).padStart(4, '0')}`;
  const cause = `cannot be used: uid ${user} may not use ${shown(path)}, as ${rights} (${code})`;
  // EPERM has other reasons than rights: an attribute of the file, or what the file system is for.
  if (code === 'EPERM') return folderProblem(dataDir, cause);
  const folder = shown(dataDir);
  const isWithin = path === dataDir || path.startsWith(`${dataDir}/`);
  if (isWithin && owner === user)
    return folderProblem(dataDir, cause, `let its owner: chmod -R u+rwX ${folder}`);
  const give = `give the folder to uid ${user} (as root: mkdir -p ${folder} && chown -R ${user} ${folder})`;
  return folderProblem(dataDir, cause, isWithin ? `${give}, or run this as uid ${owner}` : give);
}

/** `left` is what the disk still has. */
export function fullDisk(dataDir: string, left: string): OperatorError {
  return folderProblem(dataDir, `is on a full disk (${left} left)`, `free some of it, or ${TAKE_ANOTHER}`);
}

/** Some file systems have no fixed number of inodes, and count none. */
function hasInodes(path: string): boolean {
  const { files, ffree } = statfsSync(path);
  return files === 0 || ffree > 0;
}

/** The path, or what is there of it. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}
