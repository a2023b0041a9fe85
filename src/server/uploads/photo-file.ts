import { randomUUID } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';

/** Who is told how the disk keeps up. */
export interface Writing {
  /** The disk is behind: hold what comes … */
  behind(): void;
  /** … and let it come again. */
  keepsUp(): void;
  failed(error: Error): void;
}

/**
 * A photo that is being received, as a new file in a folder. The parser gives a content in as many pieces as it has
 * carriage returns: those of one turn of the event loop become one write.
 */
export class PhotoFile {
  readonly path: string;
  readonly #stream: WriteStream;
  readonly #writing: Writing;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(folder: string, writing: Writing) {
    this.path = join(folder, randomUUID());
    this.#writing = writing;
    this.#stream = createWriteStream(this.path, { flags: 'wx', mode: 0o600 });
    this.#stream.on('error', (error) => writing.failed(error));
  }

  /** That were given to it. */
  get bytes(): number {
    return this.#bytes;
  }

  write(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#pieces.push(piece) === 1) queueMicrotask(() => this.#flush());
  }

  /** Resolves when all is with the system; rejects with the error of the disk. */
  async end(): Promise<void> {
    this.#flush();
    this.#stream.end();
    await finished(this.#stream);
  }

  /** Removes it, when it is certain that nothing more will be written; it may be gone from there already. */
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
    this.#writing.behind();
    this.#stream.once('drain', () => this.#writing.keepsUp());
  }
}
