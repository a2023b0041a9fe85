import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TestServer } from './server.js';

const BALLAST = 'ballast';
const BYTES = 12 * 1024 * 1024;
const FILES = 300;
/** A mount of its own takes no rights within a user's namespace; where those are forbidden, root needs none. */
const NAMESPACES = [
  ['unshare', '--user', '--map-root-user', '--mount'],
  ['unshare', '--mount'],
];

/** What runs a program in a namespace of its own. Throws where this machine allows none. */
function namespace(): string[] {
  const found = NAMESPACES.find(
    ([command = '', ...args]) => spawnSync(command, [...args, 'true']).status === 0,
  );
  if (found === undefined) {
    throw new Error(
      'a small disk needs a mount namespace: allow them to users (sysctl kernel.unprivileged_userns_clone=1), or run this as root',
    );
  }
  return found;
}

/** Runs what follows where DATA_DIR is a small file system, on which the shell does `first`. */
export const onSmallDisk = (first = '') => [
  ...namespace(),
  ...['sh', '-c'],
  `mount -t tmpfs -o size=${BYTES},nr_inodes=${FILES} tmpfs "$DATA_DIR" && cd "$DATA_DIR" && { ${first} exec "$@"; }`,
  'sh',
];
/** It is full but for so many bytes. */
export const fullBut = (bytesLeft: number) =>
  `cat /dev/zero >${BALLAST} 2>/dev/null; truncate -s -${bytesLeft} ${BALLAST};`;
/** It has space again when this file is there, which may lie elsewhere. */
export const freedBy = (file: string) => `(until [ -e ${file} ]; do sleep 0.05; done; rm ${BALLAST}) &`;

/** A server on a disk that can be filled. */
export class ServerOnSmallDisk {
  readonly server: TestServer;

  private constructor(server: TestServer) {
    this.server = server;
  }

  /** Photos are refused when fewer bytes are free than `freeSpaceBytesMin`; by default only when they do not fit. */
  static async start(freeSpaceBytesMin = 0): Promise<ServerOnSmallDisk> {
    const env = { FREE_SPACE_BYTES_MIN: String(freeSpaceBytesMin), UPLOADS_PER_MINUTE_PER_USER_MAX: '0' };
    return new ServerOnSmallDisk(await TestServer.start({ through: onSmallDisk(), env }));
  }

  /** Takes every byte that is left, or so many of them. */
  fill(bytes = Number.POSITIVE_INFINITY): void {
    const file = openSync(this.path(BALLAST), 'a');
    let left = bytes;
    try {
      for (const piece of [Buffer.alloc(65_536), Buffer.alloc(512)])
        while (left >= piece.length && tryWrite(file, piece)) left -= piece.length;
    } finally {
      closeSync(file);
    }
  }

  /** Gives it back. */
  free(): void {
    rmSync(this.path(BALLAST));
  }

  /** Takes the place of every other file but so many. Returns what gives it back. */
  fillNames(left: number): () => void {
    const names = Array.from({ length: FILES }, (_, n) => this.path(`name-${n}`));
    const full = names.findIndex((name) => !tryMake(name));
    for (const name of names.slice(full - left)) rmSync(name, { force: true });
    return () => {
      for (const name of names) rmSync(name, { force: true });
    };
  }

  /** The files under a folder of the data folder. */
  files(folder: string): string[] {
    const path = this.path(folder);
    if (!existsSync(path)) return [];
    return readdirSync(path, { recursive: true, encoding: 'utf8' });
  }

  /** How the server's own file system is seen from outside. */
  path(name: string): string {
    return join(`/proc/${this.server.pid}/root`, this.server.dataDir, name);
  }
}

function tryMake(path: string): boolean {
  try {
    closeSync(openSync(path, 'w'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}

function tryWrite(file: number, bytes: Buffer): boolean {
  try {
    return writeSync(file, bytes) === bytes.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
