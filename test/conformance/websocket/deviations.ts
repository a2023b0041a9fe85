interface Deviation {
  /** Of RFC 6455. */
  readonly section: string;
  readonly rfc: string;
  readonly engine: string;
}

/**
 * Where the engine does not do what RFC 6455 asks of a server. None of them is in the server's hand: the engine
 * shows it neither the frames nor the bits. The cases pin each by its name, so that an engine that does better,
 * or worse, is seen.
 */
export const DEVIATIONS = {
  'cut instead of closed': {
    section: '7.1.7',
    rfc: 'a connection that fails should be sent a close frame that says why: 1002, 1007 or 1009',
    engine: 'ends the connection without one, which the client knows as 1006',
  },
  'answers go down with a cut': {
    section: '5.5.2',
    rfc: 'a ping that came before the frame that fails must be answered',
    engine: 'drops what it has to send when both came in one read',
  },
  'mask bit is not read': {
    section: '5.1',
    rfc: 'a frame without a mask fails the connection',
    engine: 'takes the four bytes after the length for the key, whatever the bit says',
  },
  'longer length is taken': {
    section: '5.2',
    rfc: 'a length must be in the shortest form that holds it',
    engine: 'takes it in any form',
  },
  'binary inside a message is taken': {
    section: '5.4',
    rfc: 'a new data frame before the end of a fragmented message fails the connection',
    engine: 'takes a binary frame there for the end of what came before, and goes on with the first message',
  },
  'text inside a message is taken after a control frame': {
    section: '5.4',
    rfc: 'a new data frame before the end of a fragmented message fails the connection',
    engine: 'forgets, with a ping or a pong in the middle, that the message is not at its end',
  },
  'wrong close is answered with an empty one': {
    section: '7.4, 8.1',
    rfc: 'a close frame with half a code, a code that is not to be sent, or a reason that is no UTF-8 fails the connection',
    engine: 'answers with a close frame without a code',
  },
  'close code is not known': {
    section: '7.4.2',
    rfc: '1012 to 1014 are registered, 3000 to 3999 are for libraries: typically the code is echoed',
    engine: 'answers with a close frame without a code',
  },
} as const satisfies Readonly<Record<string, Deviation>>;

export type DeviationName = keyof typeof DEVIATIONS;
