/** The statuses and close codes with which a server that is not whole tells a client to come back later. */
const TRY_LATER: readonly number[] = [429, 502, 503, 504, 4429, 4503];
/** The error codes of frames that say the same of one message. */
const TRY_LATER_ERRORS: readonly string[] = ['overloaded', 'unavailable', 'storage_full', 'timeout'];
/** The status and the close codes with which somebody who is not a member is refused or sent away. */
const NOT_A_MEMBER: readonly number[] = [404, 4403, 4404];
/** The close codes of RFC 6455 for protocol errors and for an internal error. */
const PROTOCOL_ERRORS: readonly number[] = [1002, 1003, 1007, 1008, 1009, 1010, 1011];

export const isTryLater = (statusOrClose: number): boolean => TRY_LATER.includes(statusOrClose);

export const isTryLaterError = (code: string): boolean => TRY_LATER_ERRORS.includes(code);

export const isNotAMember = (statusOrClose: number): boolean => NOT_A_MEMBER.includes(statusOrClose);

/** False for a connection that was lost, or that a dying process ended: clients must expect that. */
export const isRefusal = (close: number): boolean => close >= 4000 || PROTOCOL_ERRORS.includes(close);
