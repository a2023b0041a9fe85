import { ENGINE } from '../../support/engine.js';

interface Deviation {
  /** The engine of which it is known, where it is one alone. */
  readonly only?: typeof ENGINE;
  /** Of RFC 9110 or 9112. */
  readonly section: string;
  readonly rfc: string;
  readonly engine: string;
}

/**
 * Where an engine does not do what HTTP/1.1 asks of a server, all of it before the server sees the request. The
 * cases pin each by its name, so that an engine that does better, or worse, is seen.
 */
export const DEVIATIONS = {
  'a target is only what begins with a slash': {
    section: 'RFC 9112, 3.2.2 to 3.2.4',
    rfc: 'the absolute form must be taken, the others be answered as what they ask for',
    engine: '505',
  },
  'of HTTP/1 only 1.1 is spoken': {
    section: 'RFC 9110, 2.5',
    rfc: 'another minor version of HTTP/1 is answered',
    engine: '505',
  },
  'what is no request is 505': {
    section: 'RFC 9112, 3',
    rfc: 'a first line that is not well-formed is 400',
    engine: '505, and the end of the connection',
  },
  'a first line that comes in two segments is 505': {
    section: 'RFC 9112, 2.2',
    rfc: 'where a segment ends means nothing',
    engine: 'answers 505 when one ends after the method’s blank, or within the version and its line’s end',
    only: 'older',
  },
  'a first line that breaks off is waited on': {
    section: 'RFC 9112, 2.2 and 3',
    rfc: 'empty lines before a request are ignored; a line without a version is 400',
    engine: 'takes the CR for the end of what has come, and waits for more',
  },
  'a field that is none is waited on': {
    section: 'RFC 9112, 5 and 2.2',
    rfc: 'a name that is no token, or a value with control letters, is 400; so is a blank before the colon',
    engine:
      'reads no further and waits for more, up to 32 KiB or 10 s; the newer one only where CR is in a value',
  },
  'a target is any bytes over 32': {
    section: 'RFC 9112, 3.2',
    rfc: 'what a URI cannot have is 400',
    engine: 'takes it for a path',
  },
  'a target that is too long is 431': {
    section: 'RFC 9112, 3',
    rfc: 'a target that is too long is 414, a method 501',
    engine: 'counts the head as one',
  },
  'Host is not read': {
    section: 'RFC 9112, 3.2',
    rfc: 'a Host that is none is 400',
    engine: 'asks only that it is there',
  },
  'after a field without a name nothing is read': {
    section: 'RFC 9110, 5.1',
    rfc: 'a field has a name; what has none is 400',
    engine: 'takes it for the end of the fields',
  },
  'bytes over 127 around a value are cut off': {
    section: 'RFC 9110, 5.5',
    rfc: 'only blanks and tabs around a value are not its own',
    engine: 'takes such bytes for blanks',
  },
  '100-continue is heard in small letters only': {
    section: 'RFC 9110, 10.1.1',
    rfc: 'the letters of an expectation may be of either case',
    engine: 'sends no 100 for others, and waits for the body',
  },
  'Connection is read by its length': {
    section: 'RFC 9112, 9.6',
    rfc: '`close` is an option in a list of them',
    engine: 'closes after any value of five letters, and after no other',
  },
  'the end after a HEAD is left to the peer': {
    section: 'RFC 9112, 9.6',
    rfc: 'whoever says `close` in an answer ends the connection after it',
    engine: 'waits for a body that it has said the length of, up to 10 s, and reads nothing more',
    only: 'older',
  },
  'the engine’s own answer to a HEAD has a body': {
    section: 'RFC 9110, 9.3.2',
    rfc: 'an answer to a HEAD has no content',
    engine: 'sends its line of HTML, and ends the connection',
    only: 'newer',
  },
  'what follows Connection: close is answered': {
    section: 'RFC 9112, 9.6',
    rfc: 'requests after it are not processed',
    engine: 'answers those that came in the same segment',
  },
  'a request before the answer to the one before ends the connection': {
    section: 'RFC 9112, 9.3.2',
    rfc: 'pipelined requests are answered in their order',
    engine: 'does so only for those that are answered in the tick in which they are read',
  },
  'an answer of the same segment is lost with the connection': {
    section: 'RFC 9112, 9.3.2',
    rfc: 'what was asked before is answered before the connection ends',
    engine: 'drops answers that have not left when it ends the connection for what came after',
  },
  'a chunk’s extension is read as its size': {
    section: 'RFC 9112, 7.1.1',
    rfc: 'an extension that is not known is ignored',
    engine: 'takes the semicolon for a digit',
  },
  'sixteen letters more are digits of a size': {
    section: 'RFC 9112, 7.1',
    rfc: 'a size is of hexadecimal digits',
    engine: 'counts on after 9 with `:` to `@`, and after F with G',
  },
  'a chunk without a size is the last': {
    section: 'RFC 9112, 7.1',
    rfc: 'a size has a digit',
    engine: 'takes nothing for 0',
  },
  'what ends a chunk is not read': {
    section: 'RFC 9112, 7.1',
    rfc: 'CR and LF are after the data of a chunk',
    engine: 'skips two bytes, whatever they are',
  },
  'the line of a size ends at LF': {
    section: 'RFC 9112, 7.1 and 2.2',
    rfc: 'CR and LF end the line of a size; after the size comes `;` or the end',
    engine: 'ignores everything between a blank and LF',
  },
  'the fields after the last chunk are read as a request': {
    section: 'RFC 9112, 7.1.2',
    rfc: 'fields may follow the last chunk',
    engine: 'skips two bytes after it and reads a request',
  },
} as const satisfies Readonly<Record<string, Deviation>>;

/** Those of the engine that runs. */
export const DEVIATIONS_HERE = Object.entries<Deviation>(DEVIATIONS)
  .filter(([, { only }]) => only === undefined || only === ENGINE)
  .map(([name]) => name);

export type DeviationName = keyof typeof DEVIATIONS;
