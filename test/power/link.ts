import { lineReader, type ToWorker } from '../../src/link/protocol.js';
import { type Call, strings } from './trace.js';

/** A line that the ledger sent to a worker, and when: in the call that wrote its last byte. */
export interface Sent {
  readonly message: ToWorker;
  readonly begun: number;
  readonly ended: number;
}

const SOCKET = /^\d+<(socket:\[\d+\])>/;

/** What a traced ledger told its workers, in order. */
export function sentLines(calls: readonly Call[]): Sent[] {
  const sent: Sent[] = [];
  const readers = new Map<string, (chunk: string) => void>();
  let current: Call | undefined;
  for (const call of calls) {
    const socket = SOCKET.exec(call.args)?.[1];
    if (socket === undefined || (call.name !== 'write' && call.name !== 'writev')) continue;
    // A ledger that was killed in the call may have sent all of it.
    const bytes = Buffer.concat(strings(call)).subarray(
      0,
      call.result === undefined ? undefined : Math.max(0, call.result),
    );
    const read =
      readers.get(socket) ??
      lineReader<ToWorker>((message) => {
        if (current !== undefined) sent.push({ message, begun: current.begun, ended: current.ended });
      });
    readers.set(socket, read);
    current = call;
    read(bytes.toString('latin1')); // Nothing that is looked at here is outside of ASCII.
  }
  return sent;
}
