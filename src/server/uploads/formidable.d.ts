/**
 * Declares the part of formidable 3 that upload.ts uses. The published types describe the module as it was in
 * version 2, and leave out what a part handler needs.
 */
declare module 'formidable' {
  import type { EventEmitter } from 'node:events';
  import type { Readable } from 'node:stream';

  interface Part extends EventEmitter {
    /** As the guard wrote it. */
    readonly name: string;
    on(event: 'data', listener: (chunk: Buffer) => void): this;
    on(event: 'end', listener: () => void): this;
  }

  interface Form {
    /** The first error, as soon as it happened. */
    readonly error: Error | null;
    onPart: (part: Part) => unknown;
    _error(error: Error): void;
    parse(request: Readable & { headers: Record<string, string> }): Promise<unknown>;
  }

  type Plugin = (form: Form) => unknown;

  export const multipart: Plugin;
  export function formidable(options: { enabledPlugins: Plugin[] }): Form;
}
