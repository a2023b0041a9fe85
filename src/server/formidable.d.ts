/**
 * The part of formidable 3 that uploads.ts uses. The published types describe version 2's module shape and
 * leave out what a part handler needs.
 */
declare module 'formidable' {
  import type { EventEmitter } from 'node:events';
  import type { Readable, Writable } from 'node:stream';

  interface Part extends EventEmitter {
    name: string | null;
    mimetype: string | null;
    readonly headers: Readonly<Record<string, string>>;
    readonly transferEncoding: string;
    on(event: 'data', listener: (chunk: Buffer) => void): this;
    on(event: 'end', listener: () => void): this;
  }

  interface File {
    readonly filepath: string;
    readonly size: number;
  }

  interface Form {
    /** The first error, from the moment of it. */
    readonly error: Error | null;
    onPart: (part: Part) => unknown;
    _handlePart(part: Part): Promise<void>;
    _error(error: Error): void;
    parse(
      request: Readable & { headers: Record<string, string> },
    ): Promise<[Record<string, string[]>, Record<string, File[]>]>;
  }

  type Plugin = (form: Form) => unknown;

  export const multipart: Plugin;
  export function formidable(options: {
    enabledPlugins: Plugin[];
    uploadDir: string;
    filename: () => string;
    maxFileSize: number;
    maxTotalFileSize: number;
    allowEmptyFiles: boolean;
    minFileSize: number;
    fileWriteStreamHandler: (file: File) => Writable;
  }): Form;
}
