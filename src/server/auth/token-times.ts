/**
 * No time of a token is so far away in seconds (the year 33658). In milliseconds every time since 2001 is, and those who
 * mix the two up would have a token that practically never ends.
 */
const SECONDS_MAX = 1e12;

/** Whether a claim can be a NumericDate (RFC 7519, 2), which is in seconds since the epoch. */
export function isInSeconds(time: number): boolean {
  return time < SECONDS_MAX;
}

/** Says why an `iat` cannot be the time at which a token was issued; undefined when it can. All times are in seconds. */
export function doubtOfIssue(iat: number | undefined, latest: number): string | undefined {
  if (iat === undefined || (iat >= 0 && iat <= latest)) return undefined;
  if (iat < 0) return `its iat (${iat}) is before 1970`;
  if (!isInSeconds(iat)) return `its iat (${iat}) is not in seconds, but as it seems in milliseconds`;
  return `its iat (${describeTime(iat)}) is ahead of this server's clock`;
}

/** The time as a date, or as a number when it is out of the range of dates. */
export function describeTime(seconds: unknown): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.valueOf()) ? `${seconds} seconds after 1970` : date.toISOString();
}
