import { parseKey } from '../message-key.js';
import type { StoredLog, StoredMessage } from './stored-log.js';
import type { Verdict } from './verdict.js';

/** One message that a client sent, however often it was sent again. */
interface Send {
  readonly user: number;
  readonly chatId: number;
  readonly textHash: number;
  /** The message that it answers, 0 for none. */
  readonly replyTo: number;
  /** The session on which it was sent first. */
  readonly session: number;
  /** An error frame refused it: it was sent again after later messages, so it may stand after them. */
  wasRefused: boolean;
}

/** Checks what was sent and acknowledged against what is stored. */
export class Sends {
  readonly #log: StoredLog;
  readonly #verdict: Verdict;
  readonly #sends = new Map<string, Send>();
  readonly #stored = new Map<string, StoredMessage>();
  acknowledged = 0;

  constructor(log: StoredLog, verdict: Verdict) {
    this.#log = log;
    this.#verdict = verdict;
    for (const chatId of log.chats()) {
      for (const message of log.messagesOf(chatId)) {
        const { key, id } = message;
        const first = this.#stored.get(key);
        if (first === undefined) this.#stored.set(key, message);
        else verdict.add('duplicate', `${key} of chat ${chatId} is stored as ${first.id} and ${id}`);
      }
    }
  }

  get size(): number {
    return this.#sends.size;
  }

  /** Returns the stored message when it was sent for the first time; undefined when it was not, or is not stored. */
  sent(key: string, send: Omit<Send, 'wasRefused'>): StoredMessage | undefined {
    if (this.#sends.has(key)) return undefined;
    this.#sends.set(key, { ...send, wasRefused: false });
    const stored = this.#stored.get(key);
    if (stored !== undefined) stored.firstTextHash ??= send.textHash;
    return stored;
  }

  /** Returns the message that was acknowledged, undefined when it is lost. */
  acknowledge(key: string, id: number, fingerprint: number): StoredMessage | undefined {
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

  /** Returns the message that this one answers, 0 for none. */
  refuse(key: string): number {
    const send = this.#sends.get(key);
    if (send !== undefined) send.wasRefused = true;
    return send?.replyTo ?? 0;
  }

  /** After the last event: checks that everything that is stored was sent, and in that order. */
  finish(): void {
    for (const chatId of this.#log.chats()) {
      const newest = new Map<string, number>();
      for (const message of this.#log.messagesOf(chatId)) this.#finishOne(message, newest);
    }
  }

  /** `newest`: the highest number of those that stand before the message, by sender. */
  #finishOne(message: StoredMessage, newest: Map<string, number>): void {
    const { id, key, chatId } = message;
    const send = this.#sends.get(key);
    if (send === undefined || !isSentLike(send, message))
      return this.#verdict.add('phantom', `${id} in chat ${chatId} is stored, and was not sent like that`);
    if (send.wasRefused) return;
    const { sender, number, retries } = parseKey(key);
    // A message that is not sent again is given up with its connection, and may still arrive later, from a frozen
    // worker: so the order of such messages holds within a session only.
    const stream = retries ? sender : `${sender} ${send.session}`;
    const last = newest.get(stream) ?? 0;
    if (number > last) newest.set(stream, number);
    else if (number < last)
      this.#verdict.add('senderOrder', `${id}: ${key} stands after number ${last} of the same sender`);
  }
}

/** A text that was edited is checked with the edits, and nothing is left of one that was deleted. */
function isSentLike({ user, chatId, textHash, replyTo }: Send, message: StoredMessage): boolean {
  if (user !== message.authorId || chatId !== message.chatId) return false;
  const { version, isDeleted } = message.state;
  if (version === 1 && textHash !== message.textHash) return false;
  return isDeleted || replyTo === message.replyTo;
}
