import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Call, openFile, strings } from './trace.js';

/** From the line of the trace at which something began to the one at which it was over. */
export interface Span {
  readonly begun: number;
  ended: number;
}

/** Bytes that were written, or a size that was set. */
export type FileChange = Span & ({ offset: number; data: Buffer } | { size: number });
export type NameChange = Span & { name: string; to: File | Folder | undefined };

/** All that happened to a file, in order. `syncs` are those that succeeded. */
export class File {
  readonly changes: FileChange[] = [];
  readonly syncs: Span[] = [];
  /** What a reader finds there, power being on. */
  content = Buffer.alloc(0);
  size = 0;

  change(change: FileChange): void {
    this.changes.push(change);
    const size = 'size' in change ? change.size : Math.max(this.size, change.offset + change.data.length);
    if (size > this.content.length) {
      this.content = Buffer.concat([this.content], Math.max(size, 2 * this.content.length));
    }
    if ('size' in change) this.content.fill(0, change.size);
    else change.data.copy(this.content, change.offset);
    this.size = size;
  }
}

/** All that happened to the names in a folder. */
export class Folder {
  readonly changes: NameChange[] = [];
  readonly syncs: Span[] = [];
  readonly names = new Map<string, File | Folder>();

  change(change: NameChange): void {
    this.changes.push(change);
    if (change.to === undefined) this.names.delete(change.name);
    else this.names.set(change.name, change.to);
  }
}

/** Memory that processes share, sockets: nothing that outlives the power. */
const VOLATILE = /-shm$|\.sock$/;

/** What traced processes did below a folder that was empty, and durable, when the first began. */
export class Disk {
  readonly root = new Folder();
  readonly #path: string;
  #cutShort: Call[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /** Throws for a call that changes a file in a way that is not understood: then nothing is proven. */
  record(call: Call): void {
    switch (call.name) {
      case 'openat':
        return this.#opened(call);
      case 'mkdir':
        return this.#named(call, strings(call)[0], new Folder());
      case 'unlink':
      case 'rmdir':
        return this.#named(call, strings(call)[0], undefined);
      case 'rename': {
        const [from, to] = strings(call);
        const moved = this.find(String(from));
        this.#named(call, from, undefined);
        return this.#named(call, to, moved);
      }
      default:
        return this.#used(call);
    }
  }

  /**
   * To be called when the process has ended: a write that it was killed in has done what the file shows.
   * Throws when the files are not what the trace says.
   */
  settle(line: number): void {
    for (const call of this.#cutShort.splice(0)) {
      const [, length = 0, offset = 0] = numbers(call);
      const path = openFile(call) ?? '';
      const data = readFileSync(path).subarray(offset, offset + length);
      const file = this.find(path);
      if (file instanceof File) file.change({ begun: call.begun, ended: line, offset, data });
    }
    compare(this.root, this.#path);
  }

  /** What was there at any time. */
  everAt(path: string): (File | Folder)[] {
    if (path === this.#path) return [this.root];
    const folder = this.find(dirname(path));
    if (!(folder instanceof Folder)) return [];
    return folder.changes.flatMap(({ name, to }) =>
      name === basename(path) && to !== undefined ? [to] : [],
    );
  }

  #opened(call: Call): void {
    const path = strings(call)[0];
    if (call.result === undefined || call.result < 0 || path === undefined) return;
    const known = this.find(String(path));
    if (known === undefined && call.args.includes('O_CREAT')) this.#named(call, path, new File());
    if (known instanceof File && call.args.includes('O_TRUNC')) known.change({ ...span(call), size: 0 });
  }

  /** A call that takes a file descriptor first (mmap: fifth). */
  #used(call: Call): void {
    const path = call.name === 'mmap' ? /, \d+<([^>]*)>/.exec(call.args)?.[1] : openFile(call);
    const found = path === undefined ? undefined : this.find(path);
    if (found === undefined) return;
    if (call.name === 'fsync' || call.name === 'fdatasync') {
      if (call.result === 0) found.syncs.push(span(call));
    } else if (call.name === 'pwrite64' && found instanceof File) {
      const [, , offset = 0] = numbers(call);
      const data = strings(call)[0]?.subarray(0, call.result);
      if (call.result === undefined) this.#cutShort.push(call);
      else if (data !== undefined && call.result > 0) found.change({ ...span(call), offset, data });
    } else if ((call.name === 'write' || call.name === 'writev') && found instanceof File) {
      // Nobody here writes anywhere but at the end of a file that it made; `settle` compares.
      const data = Buffer.concat(strings(call)).subarray(0, Math.max(0, call.result ?? 0));
      if (data.length > 0) found.change({ ...span(call), offset: found.size, data });
    } else if (call.name === 'ftruncate' && found instanceof File) {
      if (call.result === 0) found.change({ ...span(call), size: Number(/(\d+)$/.exec(call.args)?.[1]) });
    } else if (call.name !== 'mmap' || /PROT_WRITE.*MAP_SHARED/.test(call.args)) {
      throw new Error(`line ${call.begun}: ${call.name} on ${path} is not understood`);
    }
  }

  #named(call: Call, bytes: Buffer | undefined, to: File | Folder | undefined): void {
    const path = String(bytes);
    const slash = path.lastIndexOf('/');
    const folder = this.find(path.slice(0, slash));
    const name = path.slice(slash + 1);
    if (call.result === undefined || call.result < 0 || VOLATILE.test(name)) return;
    if (folder instanceof Folder) folder.change({ ...span(call), name, to });
  }

  /** What is there, by its whole path, power being on. */
  find(path: string): File | Folder | undefined {
    if (path !== this.#path && !path.startsWith(`${this.#path}/`)) return undefined;
    let found: File | Folder | undefined = this.root;
    for (const name of path.slice(this.#path.length + 1).split('/')) {
      if (name !== '') found = found instanceof Folder ? found.names.get(name) : undefined;
    }
    return found;
  }
}

function span({ begun, ended }: Call): Span {
  return { begun, ended };
}

/** The arguments of a pwrite64 as numbers: [descriptor, length, offset]. */
function numbers(call: Call): number[] {
  const tail = call.args.slice(call.args.lastIndexOf('"') + 1).split(', ');
  return [Number.parseInt(call.args, 10), ...tail.slice(1).map(Number)];
}

function compare(folder: Folder, path: string): void {
  const names = readdirSync(path).filter((name) => !VOLATILE.test(name));
  const expected = [...folder.names.keys()].sort();
  if (names.sort().join() !== expected.join()) throw new Error(`${path} has ${names}, traced: ${expected}`);
  for (const [name, known] of folder.names) {
    const own = join(path, name);
    if (known instanceof Folder) compare(known, own);
    else if (
      statSync(own).size !== known.size ||
      !readFileSync(own).equals(known.content.subarray(0, known.size))
    )
      throw new Error(`${own} does not hold what was traced`);
  }
}
