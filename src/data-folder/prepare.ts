import { accessSync, constants, lstatSync, mkdirSync, type Stats, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assertSpace } from '../store/space.js';
import { type UnfitFileSystem, unfitFileSystem } from './file-system.js';
import { asFolderProblem, folderProblem, fullDisk, shown } from './problem.js';

const { R_OK, W_OK, X_OK } = constants;
/** For the files of the database, the lock, the socket, the secret and the first photos. */
const INODES_MIN = 16;

/** What a server makes in the folder and has to read and write again. The secret and the key set report by themselves. */
export const ENTRIES: Readonly<Record<string, 'folder' | 'file' | 'socket'>> = {
  'parley.db': 'file',
  'parley.db-wal': 'file',
  'parley.db-shm': 'file',
  'given-ids.json': 'file',
  'ledger.lock': 'file',
  'ledger.sock': 'socket',
  'storage-failed': 'file',
  files: 'folder',
  'files/users': 'folder',
  'files/groups': 'folder',
  tmp: 'folder',
};

/**
 * Makes the data folder and checks that a server can work in it: that it is a folder on a disk of this machine, and
 * that this user may read and write it and what a server has left there. Errors: OperatorError, in one line.
 */
export function prepareDataFolder(dataDir: string): void {
  try {
    const { existing, missing } = walk(dataDir);
    const unfit = unfitFileSystem(existing);
    if (unfit !== undefined) throw unfitness(dataDir, unfit);
    if (missing.length > 0) accessSync(existing, W_OK);
    // One by one: `recursive` never returns where a folder that is there takes no other (ENOENT, as in /proc).
    for (const path of missing) make(path);
    const own = statSync(dataDir);
    accessSync(dataDir, R_OK | W_OK | X_OK);
    for (const name of Object.keys(ENTRIES)) checkEntry(dataDir, name, own);
  } catch (error) {
    throw asFolderProblem(dataDir, error);
  }
}

/** Checks that the data folder has room to begin in. Errors: OperatorError, in one line. */
export function assertRoom(dataDir: string): void {
  try {
    assertSpace(dataDir);
    const { files, ffree } = statfsSync(dataDir);
    // Some file systems have no fixed number of inodes, and count none.
    if (files > 0 && ffree < INODES_MIN) throw fullDisk(dataDir, `${ffree} inodes`);
  } catch (error) {
    throw asFolderProblem(dataDir, error);
  }
}

/** Checks that this user may use what a server has made there, if it has. Errors: OperatorError, in one line. */
export function assertUsable(dataDir: string, path: string): void {
  try {
    accessSync(path, R_OK | W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw asFolderProblem(dataDir, error);
  }
}

/** Goes down to the folder as far as there are folders. Returns the last that is there, and those to make in it. */
function walk(dataDir: string): { existing: string; missing: string[] } {
  const missing: string[] = [];
  let existing = '';
  for (const path of pathsTo(dataDir)) {
    const found = statOf(dataDir, path);
    if (found === undefined) {
      missing.push(path);
      continue;
    }
    if (!found.isDirectory()) {
      const what = path === dataDir ? 'is not a folder' : `lies under ${shown(path)}, which is not a folder`;
      throw folderProblem(dataDir, what);
    }
    accessSync(path, X_OK);
    existing = path;
  }
  return { existing, missing };
}

/** The path and those above it, beginning with the root. */
function pathsTo(path: string): string[] {
  return dirname(path) === path ? [path] : [...pathsTo(dirname(path)), path];
}

/** Undefined when nothing is there. A link to nothing is a problem, because whoever made it means what is not there. */
function statOf(dataDir: string, path: string): Stats | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined || lstatSync(path, { throwIfNoEntry: false }) === undefined) return found;
  const what = path === dataDir ? 'is' : `cannot be used: ${shown(path)} is`;
  throw folderProblem(
    dataDir,
    `${what} a link to what is not there`,
    'mend the link, or set DATA_DIR to another folder',
  );
}

function make(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // Another process has made it meanwhile.
  }
}

function checkEntry(dataDir: string, name: string, own: Stats): void {
  const path = join(dataDir, name);
  const found = statOf(dataDir, path);
  if (found === undefined) return;
  const kind = ENTRIES[name];
  const isFolder = found.isDirectory();
  if (kind === 'folder' ? !isFolder : kind === 'file' ? !found.isFile() : isFolder)
    throw folderProblem(dataDir, `has ${shown(path)}, which is not a ${kind}`, 'move that away');
  if (kind === 'folder' && found.dev !== own.dev)
    throw folderProblem(dataDir, `has ${shown(path)} on another file system`, 'keep all of it on one');
  // The ledger makes the socket anew.
  if (kind !== 'socket') accessSync(path, isFolder ? R_OK | W_OK | X_OK : R_OK | W_OK);
}

function unfitness(dataDir: string, { of, name }: UnfitFileSystem): Error {
  return of === 'kernel'
    ? folderProblem(dataDir, `is in a file system of the kernel (${name}), which keeps no files`)
    : folderProblem(
        dataDir,
        `is on a network file system (${name}), where the locks and syncs of the database cannot be relied on`,
        'set DATA_DIR to a folder on a disk of this machine',
      );
}
