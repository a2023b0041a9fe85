import { Event } from '../history.js';
import { fingerprint, keyOf, type SeenMessage } from '../message.js';
import { messageKey, senderName } from '../message-key.js';
import { hashOf, type Random } from '../random.js';
import type { RunContext } from '../run-context.js';
import type { ClientSocket, SocketListener } from './client-socket.js';
import { isTryLaterError } from './expected-answers.js';

/**
 * The server recognises a repeated `client_id` among its author's newest 64 messages in the chat. What waits at a
 * frozen worker may arrive seconds after it was repeated elsewhere; these two bounds keep the number of messages
 * that come in between below 64.
 */
const UNACKNOWLEDGED_MAX = 16;
const NEW_MESSAGE_EVERY_MS = 100;
const RETRY_REFUSED_MS = 200;

interface PendingMessage {
  readonly text: string;
  readonly firstSentMs: number;
  lastSentMs: number;
}

/** How a sender treats messages that are not acknowledged when their connection ends. */
export interface SendPolicy {
  /** The sender sends a `client_id`, and sends the message again until it is acknowledged; otherwise it gives up. */
  readonly retries: boolean;
  /** It sends again as soon as it is connected, without waiting for the history that may show what arrived. */
  readonly isEager: boolean;
}

/** A sender in one chat, which numbers its messages and sends them in that order, on one connection at a time. */
export class Sender implements SocketListener {
  readonly socket: ClientSocket;
  readonly #context: RunContext;
  readonly #random: Random;
  readonly #policy: SendPolicy;
  readonly #name: string;
  readonly #pending = new Map<string, PendingMessage>();
  #number = 0;
  #lastNewMs = 0;

  /** `index`: a number that no other sender of the run has. */
  constructor(context: RunContext, socket: ClientSocket, index: number, policy: SendPolicy, random: Random) {
    this.#context = context;
    this.socket = socket;
    socket.listener = this;
    this.#name = senderName(index, policy.retries);
    this.#policy = policy;
    this.#random = random;
  }

  /** How many messages are neither acknowledged nor given up. */
  get unacknowledged(): number {
    return this.#pending.size;
  }

  get canSend(): boolean {
    return (
      this.socket.isReady &&
      this.#pending.size < UNACKNOWLEDGED_MAX &&
      this.#context.now() - this.#lastNewMs > NEW_MESSAGE_EVERY_MS
    );
  }

  sendNew(): void {
    this.#number += 1;
    const key = messageKey(this.#name, this.#number);
    const now = this.#context.now();
    this.#lastNewMs = now;
    const text = this.#context.textOf(key, this.#random);
    const message: PendingMessage = { text, firstSentMs: now, lastSentMs: now };
    this.#pending.set(key, message);
    this.#send(key, message);
  }

  /** Counts a message whose answer is overdue as unanswered, and gives up the connection, as a client would. */
  checkOverdue(): void {
    if (!this.socket.isReady) return;
    const dueMs = this.#context.now() - this.#context.answerMs;
    for (const [key, { lastSentMs }] of this.#pending) {
      if (lastSentMs > dueMs) continue;
      this.#context.history.add(Event.unanswered, this.socket.session, key);
      return this.socket.cut();
    }
  }

  opened(): void {
    if (this.#policy.isEager) this.#repeatAll();
  }

  ready(): void {
    // What the history has shown is not pending any more.
    if (!this.#policy.isEager) this.#repeatAll();
  }

  ownMessage(message: SeenMessage): void {
    const key = keyOf(message.text);
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    this.#pending.delete(key);
    const { history, tally } = this.#context;
    history.add(Event.acknowledged, this.socket.session, key, message.id, fingerprint(message));
    tally.acknowledge(this.socket.chatId, message.id, pending.firstSentMs);
  }

  refused(code: string, key: string | undefined): void {
    if (key === undefined) return this.#refusedWithoutKey(code);
    const { history, tally } = this.#context;
    const { session } = this.socket;
    history.add(Event.refused, session, key, code);
    if (!isTryLaterError(code)) {
      tally.unexpected(`session_${session}`, `frame ${code}`);
      this.#pending.delete(key);
      return;
    }
    tally.refused(`frame ${code}`);
    setTimeout(() => {
      const pending = this.#pending.get(key);
      if (pending !== undefined && this.socket.isReady && session === this.socket.session)
        this.#repeat(key, pending);
    }, RETRY_REFUSED_MS);
  }

  closed(): void {
    if (!this.#policy.retries) this.#pending.clear();
  }

  /** Nobody can tell which of the pending messages was refused, so all of them are given up. */
  #refusedWithoutKey(code: string): void {
    const { tally } = this.#context;
    if (this.#policy.retries || !isTryLaterError(code)) return tally.unexpected('frame', code);
    tally.refused(`frame ${code}`);
    this.socket.cut();
  }

  #repeatAll(): void {
    for (const [key, message] of this.#pending) this.#repeat(key, message);
  }

  #repeat(key: string, message: PendingMessage): void {
    this.#context.tally.repeated += 1;
    this.#send(key, message);
  }

  #send(key: string, message: PendingMessage): void {
    message.lastSentMs = this.#context.now();
    const { text } = message;
    this.#context.history.add(Event.sent, this.socket.session, key, hashOf(text));
    const clientId = this.#policy.retries ? { client_id: key } : {};
    this.socket.send(JSON.stringify({ type: 'message', text, ...clientId }));
  }
}
