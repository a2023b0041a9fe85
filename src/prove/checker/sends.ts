import type { Log, LoggedMessage } from './log.js';
import type { Verdict } from './verdict.js';

/** One send, however often it was repeated. */
interface Send {
  readonly user: number;
  readonly chatId: number;
  readonly textHash: number;
  /** The connection on which it was sent first. */
  readonly session: number;
  /** An error frame came: it was sent again after others, and may stand after them. */
  refused: boolean;
}

/**
 * Keys are `v<voice>-<number>`, numbered in the order in which the voice (one sender in one chat) sent them;
 * those that begin with `a` carry no client id and are not repeated.
 */
const isRepeated = (key: string) => key.startsWith('v');
const voiceOf = (key: string) => key.slice(0, key.indexOf('-'));
const numberOf = (key: string) => Number(key.slice(key.indexOf('-') + 1));

/** Holds what was sent and acknowledged against what is stored. */
export class Sends {
  readonly #log: Log;
  readonly #verdict: Verdict;
  readonly #sends = new Map<string, Send>();
  readonly #stored = new Map<string, LoggedMessage>();
  acknowledged = 0;

  constructor(log: Log, verdict: Verdict) {
    this.#log = log;
    this.#verdict = verdict;
    for (const chatId of log.chats()) {
      for (const message of log.of(chatId)) {
        const first = this.#stored.get(message.key);
        if (first === undefined) this.#stored.set(message.key, message);
        else
          verdict.add(
            'duplicate',
            `${message.key} of chat ${chatId} is stored as ${first.id} and ${message.id}`,
          );
      }
    }
  }

  get size(): number {
    return this.#sends.size;
  }

  /** The stored message of a send that is made for the first time, undefined when it is a repeat or was not stored. */
  sent(
    key: string,
    user: number,
    chatId: number,
    textHash: number,
    session: number,
  ): LoggedMessage | undefined {
    if (this.#sends.has(key)) return undefined;
    this.#sends.set(key, { user, chatId, textHash, session, refused: false });
    return this.#stored.get(key);
  }

  /** The message that was acknowledged, undefined when it is lost. */
  acknowledge(key: string, id: number, fingerprint: number): LoggedMessage | undefined {
    this.acknowledged += 1;
    const stored = this.#log.message(id);
    if (stored === undefined || stored.key !== key) {
      const what = stored === undefined ? 'is not there' : `is ${stored.key}`;
      this.#verdict.add('lost', `${key} was acknowledged as ${id}, which ${what}`);
    } else if (stored.fingerprint !== fingerprint) {
      this.#verdict.add('disagreeing', `${id}: acknowledged with another content than is stored`);
    }
    return stored;
  }

  refuse(key: string): void {
    const send = this.#sends.get(key);
    if (send !== undefined) send.refused = true;
  }

  /** After the last event: what is stored was sent, and in that order. */
  finish(): void {
    for (const chatId of this.#log.chats()) {
      const newest = new Map<string, number>();
      for (const message of this.#log.of(chatId)) this.#finishOne(message, newest);
    }
  }

  #finishOne({ id, key, chatId, authorId, textHash }: LoggedMessage, newest: Map<string, number>): void {
    const send = this.#sends.get(key);
    if (
      send === undefined ||
      send.user !== authorId ||
      send.chatId !== chatId ||
      send.textHash !== textHash
    ) {
      return this.#verdict.add('phantom', `${id} in chat ${chatId} is stored, and was not sent like that`);
    }
    if (send.refused) return;
    // What is not repeated may be given up with its connection, and still come later: from a frozen worker.
    const stream = isRepeated(key) ? voiceOf(key) : `${voiceOf(key)} ${send.session}`;
    const number = numberOf(key);
    const last = newest.get(stream) ?? 0;
    if (number < last)
      this.#verdict.add('senderOrder', `${id}: ${key} stands after number ${last} of the same voice`);
    else newest.set(stream, number);
  }
}
