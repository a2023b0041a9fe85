/**
 * The part of formidable 3 that uploads.ts uses. The published types describe version 2's module shape and
 * leave out what a part handler needs.
 */
declare module 'formidable' {
  import type { EventEmitter } from 'node:events';
  import type { Readable } from 'node:stream';

  interface Part extends EventEmitter {
    readonly headers: Readonly<Record<string, string>>;
    readonly transferEncoding: string;
    on(event: 'data', listener: (chunk: Buffer) => void): this;
    on(event: 'end', listener: () => void): this;
  }

  interface Form {
    /** The first error, from the moment of it. */
    readonly error: Error | null;
    onPart: (part: Part) => unknown;
    _error(error: Error): void;
    parse(request: Readable & { headers: Record<string, string> }): Promise<unknown>;
  }

  type Plugin = (form: Form) => unknown;

  export const multipart: Plugin;
  export function formidable(options: { enabledPlugins: Plugin[] }): Form;
}
