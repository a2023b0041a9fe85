import { randomUUID } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';

/** Hears how the disk keeps up. */
export interface WriteEvents {
  /** The disk is behind: the source is to pause until `drained`. */
  behind(): void;
  drained(): void;
  failed(error: Error): void;
}

/**
 * Writes a photo that is being received to a new file. The parser splits a content at every carriage return, so the
 * pieces of one turn of the event loop are joined to one write.
 */
export class PhotoFile {
  readonly path: string;
  readonly #stream: WriteStream;
  readonly #events: WriteEvents;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(folder: string, events: WriteEvents) {
    this.path = join(folder, randomUUID());
    this.#events = events;
    this.#stream = createWriteStream(this.path, { flags: 'wx', mode: 0o600 });
    this.#stream.on('error', (error) => events.failed(error));
  }

  /** How many bytes were given to `write`. */
  get bytes(): number {
    return this.#bytes;
  }

  write(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#pieces.push(piece) === 1) queueMicrotask(() => this.#flush());
  }

  /** Resolves when the system has taken all bytes. Rejects with the error of the disk. */
  async end(): Promise<void> {
    this.#flush();
    this.#stream.end();
    await finished(this.#stream);
  }

  /** Removes the file once nothing more can be written. It may be stored, and removed already. */
  async remove(): Promise<void> {
    if (!this.#stream.closed) {
      await new Promise<void>((resolve) => {
        this.#stream.once('close', resolve);
        this.#stream.destroy();
      });
    }
    await unlink(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }

  #flush(): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    if (pieces.length === 0 || this.#stream.destroyed) return;
    if (this.#stream.write(Buffer.concat(pieces))) return;
    this.#events.behind();
    this.#stream.once('drain', () => this.#events.drained());
  }
}
