/** What a client is to do when its socket was closed. */
export const ADVICE = {
  nothing: 'Nothing is to be done.',
  reconnect: 'Reconnect.',
  resume: 'Reconnect with `after`, after 0 to 5 seconds at random.',
  fix: 'Fix the client; do not retry.',
  giveUp: 'Do not retry.',
  forget: 'Forget what you kept, read the history anew, and go on.',
  newToken: 'Get a new token, then reconnect.',
  backOff: 'Retry, and wait longer after each failure.',
} as const;
export type Advice = keyof typeof ADVICE;

/** Every close code: what it means, and what the client should do. A cut connection has none; clients see 1006. */
export const CLOSE_CODES = {
  1000: { means: 'The socket was closed as the client asked.', client: 'nothing' },
  1001: { means: 'The other side is going away.', client: 'reconnect' },
  1008: { means: 'Too many frames could not be used.', client: 'fix' },
  1009: { means: 'A frame was too big.', client: 'fix' },
  1011: { means: 'Something went wrong on the server.', client: 'resume' },
  1012: { means: 'The server restarts, or moves its sockets.', client: 'resume' },
  4400: { means: 'The parameters of the request are not allowed.', client: 'giveUp' },
  4401: { means: 'The token is missing, not valid, revoked or expired.', client: 'newToken' },
  4403: {
    means: 'The user was removed or has no profile, or the page may not use the server.',
    client: 'giveUp',
  },
  4404: { means: 'There is no such chat for the user.', client: 'giveUp' },
  4409: { means: 'The history is not the one that the client knows.', client: 'forget' },
  4410: { means: 'The group was deleted.', client: 'giveUp' },
  4429: { means: 'Too many connections or frames.', client: 'backOff' },
  4503: { means: 'The server cannot serve at present, or the client reads too slowly.', client: 'backOff' },
} as const satisfies Readonly<Record<number, { readonly means: string; readonly client: Advice }>>;

export type CloseCode = keyof typeof CLOSE_CODES;
