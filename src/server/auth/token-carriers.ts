/** Returns the token of an `Authorization` header (RFC 6750), or undefined when it carries none. */
export function bearerToken(header: string): string | undefined {
  return /^[ \t]*Bearer[ \t]+(\S+)[ \t]*$/i.exec(header)?.[1];
}

/**
 * Parses a `Sec-WebSocket-Protocol` header: whether it offers `chat.v1`, and the token of an offer `bearer.<jwt>`.
 * Browsers send the token there, because a page can set no other header of a WebSocket.
 */
export function offeredProtocols(header: string): { chatV1: boolean; token: string | undefined } {
  const offers = header.split(',').map((offer) => offer.trim());
  const bearer = offers.find((offer) => offer.startsWith('bearer.'));
  return { chatV1: offers.includes('chat.v1'), token: bearer?.slice('bearer.'.length) };
}
