import { ChatError } from '../chat/errors.js';
import type { Charges, LimitsLink, LimitsListener, QuotaChanges, QuotaKey, SharedRate } from './limits.js';
import type { ToLedger, ToWorker } from './protocol.js';

interface Asked {
  readonly resolve: (full: QuotaKey | undefined) => void;
  readonly reject: (error: ChatError) => void;
}

/** Carries what a worker's limits say and hear over the link. */
export class LimitsClient implements LimitsLink {
  /** Returns false when there is no ledger to hear it. */
  readonly #send: (message: ToLedger) => boolean;
  /** Whether the ledger does not take what it was sent. */
  readonly #isBehind: () => boolean;
  readonly #asked = new Map<number, Asked>();
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
      if (this.#send({ type: 'admit', number, keys })) this.#asked.set(number, { resolve, reject });
      else reject(new ChatError('unavailable'));
    });
  }

  listen(listener: LimitsListener): void {
    this.#listener = listener;
  }

  /** To be called when the ledger has said hello. */
  connected(): void {
    this.#listener?.connected();
  }

  /** To be called when the ledger is gone. */
  gone(): void {
    for (const { reject } of this.#asked.values()) reject(new ChatError('unavailable'));
    this.#asked.clear();
  }

  handle(message: ToWorker): void {
    switch (message.type) {
      case 'charges':
        return this.#listener?.charged(message.of, message.charges);
      case 'crowded':
        return this.#listener?.crowded(message.key, message.crowded);
      case 'admitted':
        this.#asked.get(message.number)?.resolve(message.full);
        this.#asked.delete(message.number);
        return;
      default: // A newer ledger says more.
    }
  }
}
