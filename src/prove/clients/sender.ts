import { Event } from '../history.js';
import { fingerprint, keyOf, type SeenMessage } from '../message.js';
import { hashOf, type Random } from '../random.js';
import type { World } from '../run-context.js';
import type { ClientSocket } from './chat-socket.js';

/**
 * A repeat is recognised among its author's newest 64 messages in the chat. What waits at a frozen worker may
 * arrive seconds after it was repeated elsewhere: with these two bounds fewer than 64 others come in between.
 */
const UNACKNOWLEDGED_MAX = 16;
const PACE_MS = 100;
const REFUSED_AGAIN_MS = 200;
/** Refusals that mean: try again. */
const TRY_LATER = ['overloaded', 'unavailable', 'storage_full', 'timeout', 'too_many_frames'];

interface Pending {
  readonly text: string;
  readonly firstMs: number;
  lastMs: number;
}

export interface Manner {
  /** Sends a `client_id`, and repeats until acknowledged; otherwise what is open when the connection ends is given up. */
  readonly repeats: boolean;
  /** Repeats as soon as it is connected, and does not wait for the history that may show what arrived. */
  readonly isEager: boolean;
}

/** One sender in one chat: numbers its messages and sends them in that order over one connection at a time. */
export class Voice {
  readonly socket: ClientSocket;
  readonly #world: World;
  readonly #random: Random;
  readonly #manner: Manner;
  readonly #name: string;
  readonly #pending = new Map<string, Pending>();
  #number = 0;
  #spokeMs = 0;

  constructor(world: World, socket: ClientSocket, index: number, manner: Manner, random: Random) {
    this.#world = world;
    this.socket = socket;
    socket.voice = this;
    this.#name = `${manner.repeats ? 'v' : 'a'}${index}`;
    this.#manner = manner;
    this.#random = random;
  }

  get unacknowledged(): number {
    return this.#pending.size;
  }

  get canSpeak(): boolean {
    return (
      this.socket.isReady &&
      this.#pending.size < UNACKNOWLEDGED_MAX &&
      this.#world.now() - this.#spokeMs > PACE_MS
    );
  }

  /** Sends a new message. */
  speak(): void {
    this.#number += 1;
    const key = `${this.#name}-${this.#number}`;
    const now = this.#world.now();
    this.#spokeMs = now;
    const pending: Pending = { text: this.#world.textOf(key, this.#random), firstMs: now, lastMs: now };
    this.#pending.set(key, pending);
    this.#world.tally.sent += 1;
    this.#send(key, pending);
  }

  opened(): void {
    if (this.#manner.isEager) this.#repeatAll();
  }

  /** The history is there: what it has shown needs no repeat. */
  ready(): void {
    if (!this.#manner.isEager) this.#repeatAll();
  }

  /** The server shows a message of this user: in history, live, or as the answer to a repeat. */
  heard(message: SeenMessage): void {
    const key = keyOf(message.text);
    const pending = this.#pending.get(key);
    if (pending === undefined) return;
    this.#pending.delete(key);
    const { history, tally } = this.#world;
    history.add(Event.acknowledged, this.socket.session, key, message.id, fingerprint(message));
    tally.acknowledge(this.socket.chatId, message.id, pending.firstMs);
  }

  refused(key: string, code: string): void {
    const { history, tally } = this.#world;
    history.add(Event.refused, this.socket.session, key, code);
    if (!TRY_LATER.includes(code)) {
      tally.unexpected(`session_${this.socket.session}`, `frame ${code}`);
      this.#pending.delete(key);
      return;
    }
    tally.refused(`frame ${code}`);
    const session = this.socket.session;
    setTimeout(() => {
      const pending = this.#pending.get(key);
      if (pending !== undefined && this.socket.isReady && session === this.socket.session)
        this.#repeat(key, pending);
    }, REFUSED_AGAIN_MS);
  }

  /** The same without a key: which of the open messages it was, nobody can tell, so all are given up. */
  refusedOne(code: string): void {
    const { tally } = this.#world;
    if (this.#manner.repeats || !TRY_LATER.includes(code)) return tally.unexpected('frame', code);
    tally.refused(`frame ${code}`);
    this.socket.cut();
  }

  closed(): void {
    if (!this.#manner.repeats) this.#pending.clear();
  }

  /** Looks for what should have been answered; such a connection is given up, as a client would. */
  look(): void {
    if (!this.socket.isReady) return;
    const due = this.#world.now() - this.#world.answerMs;
    for (const [key, { lastMs }] of this.#pending) {
      if (lastMs > due) continue;
      this.#world.history.add(Event.unanswered, this.socket.session, key);
      return this.socket.cut();
    }
  }

  #repeatAll(): void {
    for (const [key, pending] of this.#pending) this.#repeat(key, pending);
  }

  #repeat(key: string, pending: Pending): void {
    this.#world.tally.repeated += 1;
    this.#send(key, pending);
  }

  #send(key: string, pending: Pending): void {
    pending.lastMs = this.#world.now();
    this.#world.history.add(Event.sent, this.socket.session, key, hashOf(pending.text));
    const { text } = pending;
    this.socket.send(
      JSON.stringify({ type: 'message', text, ...(this.#manner.repeats && { client_id: key }) }),
    );
  }
}
