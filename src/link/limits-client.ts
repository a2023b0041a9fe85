import { ChatError } from '../chat/errors.js';
import type { Charges, LimitsLink, LimitsListener, QuotaChanges, QuotaKey, SharedRate } from './limits.js';
import type { ToLedger, ToWorker } from './protocol.js';

interface PendingAdmission {
  readonly resolve: (full: QuotaKey | undefined) => void;
  readonly reject: (error: ChatError) => void;
}

/** Carries what a worker's limits share with the other workers over the link. */
export class LimitsClient implements LimitsLink {
  /** Returns false when no ledger is connected. */
  readonly #send: (message: ToLedger) => boolean;
  /** Whether the ledger reads slower than it is sent to. */
  readonly #isBehind: () => boolean;
  readonly #pending = new Map<number, PendingAdmission>();
  #nextNumber = 1;
  #listener: LimitsListener | undefined;

  constructor(send: (message: ToLedger) => boolean, isBehind: () => boolean) {
    this.#send = send;
    this.#isBehind = isBehind;
  }

  share(of: SharedRate, charges: Charges): void {
    if (!this.#isBehind()) this.#send({ type: 'charges', of, charges });
  }

  count(changes: QuotaChanges): void {
    this.#send({ type: 'sockets', counts: changes });
  }

  admit(keys: readonly QuotaKey[]): Promise<QuotaKey | undefined> {
    return new Promise((resolve, reject) => {
      const number = this.#nextNumber++;
      if (this.#send({ type: 'admit', number, keys })) this.#pending.set(number, { resolve, reject });
      else reject(new ChatError('unavailable'));
    });
  }

  listen(listener: LimitsListener): void {
    this.#listener = listener;
  }

  /** The ledger has said hello: it knows nothing of this worker's sockets yet. */
  connected(): void {
    this.#listener?.connected();
  }

  /** The connection is lost: what was asked has no answer. */
  disconnected(): void {
    for (const { reject } of this.#pending.values()) reject(new ChatError('unavailable'));
    this.#pending.clear();
  }

  handle(message: ToWorker): void {
    switch (message.type) {
      case 'charges':
        return this.#listener?.charged(message.of, message.charges);
      case 'crowded':
        return this.#listener?.crowded(message.key, message.crowded);
      case 'admitted':
        this.#pending.get(message.number)?.resolve(message.full);
        this.#pending.delete(message.number);
        return;
      default: // A newer ledger may send messages that this worker does not know.
    }
  }
}
