import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../src/prove/random.js';
import { type File, type FileChange, Folder, type NameChange, type Span } from './disk.js';

const SECTOR_BYTES = 512;
/** The likelihoods with which the newest version of an unsynced part is on the disk, from never to always. */
const PERSISTENCE = [0, 0.02, 0.5, 0.98, 1];

/**
 * Writes what a power cut may leave of a disk. Everything that was synced is there: a sync covers the changes that were
 * over when it began. Since then each 512-byte sector may hold any version that it had, each file may have any of its
 * sizes, and each folder any entry under each name, independently of each other. Real file systems are less harsh.
 */
export class Platter {
  readonly #root: Folder;
  readonly #unsynced: ReadonlySet<File | Folder>;
  readonly #files = new Map<File, Durable<FileChange>>();
  readonly #folders = new Map<Folder, Durable<NameChange>>();
  readonly #contents = new Map<File, { bytes: Buffer; size: number }>();
  readonly #names = new Map<Folder, Map<string, File | Folder>>();
  #cut = 0;

  /** `unsynced`: files and folders whose syncs do nothing, which shows that the images find what is missing. */
  constructor(root: Folder, unsynced: ReadonlySet<File | Folder> = new Set()) {
    this.#root = root;
    this.#unsynced = unsynced;
  }

  /** Writes one of the images that a cut inside line `cut` of the trace may leave. Cuts come in order. */
  write(cut: number, random: Random, path: string): void {
    if (cut < this.#cut) throw new Error('cuts must come in order');
    this.#cut = cut;
    this.#writeFolder(this.#root, random, path);
  }

  #writeFolder(folder: Folder, random: Random, path: string): void {
    mkdirSync(path, { recursive: true });
    const names = entry(this.#names, folder, () => new Map<string, File | Folder>());
    const pending = entry(
      this.#folders,
      folder,
      () => new Durable<NameChange>(folder.changes, this.#syncsOf(folder)),
    ).advance(this.#cut, ({ name, to }) => setOrDelete(names, name, to));
    const persistence = random.pick(PERSISTENCE);
    const found = new Map(names);
    const byName = new Map<string, NameChange[]>();
    for (const change of pending) entry(byName, change.name, () => []).push(change);
    for (const [name, changes] of byName) {
      const last = changes[version(changes.length, persistence, random) - 1];
      if (last !== undefined) setOrDelete(found, name, last.to);
    }
    for (const [name, to] of found) {
      if (to instanceof Folder) this.#writeFolder(to, random, join(path, name));
      else writeFileSync(join(path, name), this.#bytesOf(to, random));
    }
  }

  #syncsOf(node: File | Folder): readonly Span[] {
    return this.#unsynced.has(node) ? [] : node.syncs;
  }

  #bytesOf(file: File, random: Random): Buffer {
    const durable = entry(this.#contents, file, () => ({ bytes: Buffer.alloc(0), size: 0 }));
    const pending = entry(
      this.#files,
      file,
      () => new Durable<FileChange>(file.changes, this.#syncsOf(file)),
    ).advance(this.#cut, (change) => {
      const size = sizeAfter(change, durable.size);
      if (size > durable.bytes.length) durable.bytes = Buffer.concat([durable.bytes], 2 * size);
      apply(change, durable.bytes, 0);
      durable.size = size;
    });
    const persistence = random.pick(PERSISTENCE);
    const sizes = [durable.size];
    for (const change of pending) sizes.push(sizeAfter(change, sizes.at(-1) ?? 0));
    const size = sizes[version(pending.length, persistence, random)] ?? 0;
    // Where a file grew and nothing arrived there may be zeros, or what the disk held before.
    const bytes = Buffer.alloc(Math.max(...sizes) + SECTOR_BYTES, random.pick([0, 0xa5]));
    durable.bytes.copy(bytes, 0, 0, durable.size);
    for (const [sector, changes] of bySector(pending, Math.max(...sizes))) {
      const start = sector * SECTOR_BYTES;
      const count = version(changes.length, persistence, random);
      if (count > 0)
        bytes.fill(0, Math.max(start, durable.size), Math.max(start + SECTOR_BYTES, durable.size));
      const own = bytes.subarray(start, start + SECTOR_BYTES);
      for (const change of changes.slice(0, count)) apply(change, own, start);
    }
    return bytes.subarray(0, size);
  }
}

/** Walks a history of changes and syncs. */
class Durable<Change extends Span> {
  readonly #changes: readonly Change[];
  readonly #syncs: readonly Span[];
  #pending: Change[] = [];
  #nextChange = 0;
  #nextSync = 0;

  constructor(changes: readonly Change[], syncs: readonly Span[]) {
    this.#changes = changes;
    this.#syncs = syncs;
  }

  /** Applies what is durable inside line `cut`; returns what had begun by then and may be there or not. */
  advance(cut: number, durable: (change: Change) => void): readonly Change[] {
    for (;;) {
      const sync = this.#syncs[this.#nextSync];
      if (sync === undefined || sync.ended >= cut) break;
      this.#nextSync += 1;
      this.#take(sync.begun);
      for (const change of this.#pending) if (change.ended < sync.begun) durable(change);
      this.#pending = this.#pending.filter((change) => change.ended >= sync.begun);
    }
    this.#take(cut);
    return this.#pending;
  }

  #take(line: number): void {
    for (;;) {
      const change = this.#changes[this.#nextChange];
      if (change === undefined || change.begun > line) return;
      this.#pending.push(change);
      this.#nextChange += 1;
    }
  }
}

/** Draws the version that is there, from 0 (the synced one) to `newest`. */
function version(newest: number, persistence: number, random: Random): number {
  return newest === 0 || random.next() < persistence ? newest : random.below(newest);
}

function sizeAfter(change: FileChange, size: number): number {
  return 'size' in change ? change.size : Math.max(size, change.offset + change.data.length);
}

/** Applies a change to the part of a file that starts at `start`. */
function apply(change: FileChange, part: Buffer, start: number): void {
  if ('size' in change) {
    part.fill(0, Math.min(part.length, Math.max(0, change.size - start)));
  } else {
    const skipped = Math.max(0, start - change.offset);
    change.data.copy(part, Math.max(0, change.offset - start), skipped);
  }
}

function bySector(changes: readonly FileChange[], size: number): Map<number, FileChange[]> {
  const sectors = new Map<number, FileChange[]>();
  for (const change of changes) {
    const [from, to] =
      'size' in change ? [change.size, size] : [change.offset, change.offset + change.data.length];
    for (let sector = Math.floor(from / SECTOR_BYTES); sector * SECTOR_BYTES < to; sector++) {
      entry(sectors, sector, () => []).push(change);
    }
  }
  return sectors;
}

function setOrDelete<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key) ?? make();
  map.set(key, known);
  return known;
}
