import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, Peer } from '../conformance/http/peer.js';

/** Long enough for any answer: a request that has none by then is one that the server waits for the rest of. */
const PATIENCE_MS = 250;

/**
 * Sends the bytes on a connection of its own, and resolves to what has been answered when there is an answer, or the
 * server has ended the connection, or none is to be expected any more.
 */
export async function playRequest(port: number, bytes: Buffer, isWhole: boolean): Promise<readonly Answer[]> {
  const peer = await Peer.open(port);
  peer.write(bytes.toString('latin1'));
  if (isWhole)
    await peer.hears(1).catch(() => undefined); // No answer in time is none.
  else {
    const impatience = new AbortController();
    const heard = peer.hears(1).then(
      () => impatience.abort(),
      () => undefined,
    );
    await Promise.race([heard, sleep(PATIENCE_MS, undefined, impatience).catch(() => undefined)]);
  }
  const { answers } = peer;
  peer.cut();
  return answers;
}
