/**
 * The key of a message is `<sender>-<number>`: its sender's name, and which message of that sender it is (1, 2, …).
 * The name begins with a letter that says whether the sender sends a message again until it is acknowledged.
 */
const RETRIES = 's';
const SENDS_ONCE = 'o';

/** The name of the sender with this index. */
export function senderName(index: number, retries: boolean): string {
  return `${retries ? RETRIES : SENDS_ONCE}${index}`;
}

export function messageKey(sender: string, number: number): string {
  return `${sender}-${number}`;
}

export function parseKey(key: string): { sender: string; number: number; retries: boolean } {
  const dash = key.indexOf('-');
  return {
    sender: key.slice(0, dash),
    number: Number(key.slice(dash + 1)),
    retries: key.startsWith(RETRIES),
  };
}
