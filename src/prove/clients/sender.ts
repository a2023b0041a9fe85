import { Event } from '../history.js';
import { editKeyOf, fingerprint, isGoneError, keyOf, type SeenReaction } from '../message.js';
import { messageKey, senderName } from '../message-key.js';
import { hashOf, type Random } from '../random.js';
import type { RunContext } from '../run-context.js';
import { Changer, type Request } from './changer.js';
import type { ClientSocket, SocketListener } from './client-socket.js';
import type { ChangeFrame, MessageFrame } from './connection.js';
import { isTryLaterError } from './expected-answers.js';

/**
 * The server recognises a repeated `client_id` among its author's newest 64 messages and changes in the chat. What
 * waits at a frozen worker may arrive seconds after it was repeated elsewhere; these two bounds keep the number of
 * those that come in between below 64.
 */
const UNACKNOWLEDGED_MAX = 16;
const NEW_REQUEST_EVERY_MS = 100;
const RETRY_REFUSED_MS = 200;
/** This share of the messages answers another one. */
const REPLY_SHARE = 0.1;

interface PendingRequest extends Request {
  readonly firstSentMs: number;
  lastSentMs: number;
}

/** How a sender treats requests that are not acknowledged when their connection ends. */
export interface SendPolicy {
  /**
   * The sender sends a `client_id`, and sends everything again until it is acknowledged; otherwise it gives up, and
   * sends messages alone.
   */
  readonly retries: boolean;
  /** It sends again as soon as it is connected, without waiting for the history that may show what arrived. */
  readonly isEager: boolean;
}

/**
 * A sender in one chat, which numbers its messages and changes and sends them in that order, on one connection at a
 * time. On a socket that asks for changes it also makes some.
 */
export class Sender implements SocketListener {
  readonly socket: ClientSocket;
  readonly #context: RunContext;
  readonly #random: Random;
  readonly #policy: SendPolicy;
  readonly #name: string;
  readonly #pending = new Map<string, PendingRequest>();
  readonly #changer: Changer;
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
    this.#changer = new Changer(context, random.of('changes'));
  }

  /** How many messages and changes are neither acknowledged nor given up. */
  get unacknowledged(): number {
    return this.#pending.size;
  }

  get canSend(): boolean {
    return (
      this.socket.isReady &&
      this.#pending.size < UNACKNOWLEDGED_MAX &&
      this.#context.now() - this.#lastNewMs > NEW_REQUEST_EVERY_MS
    );
  }

  /** Sends a message, or a change of one. */
  sendNew(): void {
    const key = this.#nextKey();
    const isChanging = this.#policy.retries && this.socket.view === 'full';
    const change = isChanging ? this.#changer.next(key) : undefined;
    this.#begin(key, change ?? this.#message(key));
  }

  sendMessage(): void {
    const key = this.#nextKey();
    this.#begin(key, this.#message(key));
  }

  /** Counts a request whose answer is overdue as unanswered, and gives up the connection, as a client would. */
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

  message(message: MessageFrame): void {
    if (message.deleted) return this.#deleted(message.id);
    this.#changer.saw(message.id);
    if (!message.duplicate) this.#reactionsShown(message.id, message.reactions ?? []);
    if (message.author.id !== this.socket.user.id) return;
    this.#changeMade(editKeyOf(message.text));
    const key = keyOf(message.text);
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    this.#pending.delete(key);
    this.#changer.posted(message.id, key);
    const { history, tally } = this.#context;
    history.add(Event.acknowledged, this.socket.session, key, message.id, fingerprint(message));
    tally.acknowledge(this.socket.chatId, message.id, pending.firstSentMs);
  }

  change(change: ChangeFrame): void {
    this.#changeMade(change.client_id);
    // A connection that is not live is told what came of a change, under no name.
    if (change.type === 'edited') this.#changeMade(editKeyOf(change.text));
    if (change.type === 'deleted') this.#deleted(change.message_id);
    if ('reactions' in change) this.#reactionsShown(change.message_id, change.reactions ?? []);
  }

  refused(code: string, key: string | undefined): void {
    if (key === undefined) return this.#refusedWithoutKey(code);
    const { history, tally } = this.#context;
    const { session } = this.socket;
    history.add(Event.refused, session, key, code);
    if (!isTryLaterError(code)) {
      // The checker knows whether what it was about may be gone.
      if (!isGoneError(code)) tally.unexpected(`session_${session}`, `frame ${code}`);
      this.#pending.delete(key);
      this.#changer.settled(key, false);
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

  #deleted(messageId: number): void {
    this.#changeMade(this.#changer.pendingDeletion(messageId));
    this.#changer.gone(messageId);
  }

  #reactionsShown(messageId: number, reactions: readonly SeenReaction[]): void {
    for (const key of this.#changer.reactionsIn(messageId, reactions)) this.#changeMade(key);
  }

  /** The change under this key, if there is one that waits, was made. */
  #changeMade(key: string | undefined): void {
    const pending = key === undefined ? undefined : this.#pending.get(key);
    if (key === undefined || pending === undefined) return;
    this.#pending.delete(key);
    this.#changer.settled(key, true);
    this.#context.history.add(Event.changed, this.socket.session, key);
    this.#context.tally.acknowledgeChange(pending.firstSentMs);
  }

  /** Nobody can tell which of the pending messages was refused, so all of them are given up. */
  #refusedWithoutKey(code: string): void {
    const { tally } = this.#context;
    if (this.#policy.retries || !isTryLaterError(code)) return tally.unexpected('frame', code);
    tally.refused(`frame ${code}`);
    this.socket.cut();
  }

  #nextKey(): string {
    this.#number += 1;
    return messageKey(this.#name, this.#number);
  }

  #message(key: string): Request {
    const text = this.#context.textOf(key, this.#random);
    const isReply = this.#policy.retries && this.#random.chance(REPLY_SHARE);
    const replyTo = isReply ? this.#changer.toAnswer() : undefined;
    return {
      frame: { type: 'message', text, ...(replyTo !== undefined && { reply_to: replyTo }) },
      event: [Event.sent, key, hashOf(text), replyTo ?? 0],
    };
  }

  #begin(key: string, request: Request): void {
    const now = this.#context.now();
    this.#lastNewMs = now;
    const pending = { ...request, firstSentMs: now, lastSentMs: now };
    this.#pending.set(key, pending);
    this.#send(key, pending);
  }

  #repeatAll(): void {
    for (const [key, request] of this.#pending) this.#repeat(key, request);
  }

  #repeat(key: string, request: PendingRequest): void {
    this.#context.tally.repeated += 1;
    this.#send(key, request);
  }

  #send(key: string, request: PendingRequest): void {
    request.lastSentMs = this.#context.now();
    const [event, ...fields] = request.event;
    this.#context.history.add(event, this.socket.session, ...fields);
    const clientId = this.#policy.retries ? { client_id: key } : {};
    this.socket.send(JSON.stringify({ ...request.frame, ...clientId }));
  }
}
