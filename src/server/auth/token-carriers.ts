/** Returns the token of an `Authorization` header (RFC 6750), or undefined when it carries none. */
export function bearerToken(header: string): string | undefined {
  return /^[ \t]*Bearer[ \t]+(\S+)[ \t]*$/i.exec(header)?.[1];
}

/** The subprotocols of a socket, the one that is taken before the others first. `chat.v2` asks for changes. */
const PROTOCOLS = ['chat.v2', 'chat.v1'] as const;

export interface OfferedProtocols {
  /** The one that is answered; undefined when none is known. */
  readonly taken: (typeof PROTOCOLS)[number] | undefined;
  readonly token: string | undefined;
}

/**
 * Parses a `Sec-WebSocket-Protocol` header: which protocol it offers, and the token of an offer `bearer.<jwt>`.
 * Browsers send the token there, because a page can set no other header of a WebSocket.
 */
export function offeredProtocols(header: string): OfferedProtocols {
  const offers = header.split(',').map((offer) => offer.trim());
  const bearer = offers.find((offer) => offer.startsWith('bearer.'));
  return {
    taken: PROTOCOLS.find((protocol) => offers.includes(protocol)),
    token: bearer?.slice('bearer.'.length),
  };
}
