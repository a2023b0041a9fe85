import { Event } from '../history.js';
import { EMOJI, type SeenReaction } from '../message.js';
import { hashOf, type Random } from '../random.js';
import type { RunContext } from '../run-context.js';

/** Something that a sender asks for: its frame without the `client_id`, and how the history has it. */
export interface Request {
  readonly frame: Readonly<Record<string, unknown>>;
  readonly event: readonly [event: string, ...fields: (string | number)[]];
}

type Change =
  | { readonly kind: 'edit' | 'delete'; readonly messageId: number }
  | { readonly kind: 'react'; readonly messageId: number; readonly emoji: string; readonly isOn: boolean };

/** Of everything that a sender asks for, these shares are changes, when there is a message to change. */
const EDIT_SHARE = 0.12;
const DELETE_SHARE = 0.05;
const REACT_SHARE = 0.15;
/** How many of the newest messages are changed, so that some of them are older than what a client resumes after. */
const MESSAGES_KEPT = 40;

/**
 * Chooses how a sender changes messages: edits and deletions of its own ones, and reactions to any. It asks for one
 * change at a time of what no other sender changes as well, the text of a message and its own reaction with one emoji,
 * so the last of them must stand.
 */
export class Changer {
  readonly #context: RunContext;
  readonly #random: Random;
  /** The keys of the newest messages of its own, by id, the oldest first. */
  readonly #own = new Map<number, string>();
  /** The newest messages of anybody, the oldest first. */
  readonly #seen = new Set<number>();
  /** The reactions that it has, as `reactionOf` gives them. */
  readonly #reactions = new Set<string>();
  readonly #pending = new Map<string, Change>();

  constructor(context: RunContext, random: Random) {
    this.#context = context;
    this.#random = random;
  }

  /** A message was shown. */
  saw(id: number): void {
    this.#seen.add(id);
    if (this.#seen.size > MESSAGES_KEPT) this.#seen.delete(first(this.#seen.keys()) ?? 0);
  }

  /** A message of its own was acknowledged. */
  posted(id: number, key: string): void {
    this.#own.set(id, key);
    if (this.#own.size > MESSAGES_KEPT) this.#own.delete(first(this.#own.keys()) ?? 0);
  }

  /** A message was deleted. */
  gone(id: number): void {
    this.#seen.delete(id);
    this.#own.delete(id);
  }

  /** The next change, under this key; undefined when it is a message's turn. */
  next(key: string): Request | undefined {
    const drawn = this.#random.next();
    if (drawn < EDIT_SHARE) return this.#edit(key);
    if (drawn < EDIT_SHARE + DELETE_SHARE) return this.#delete(key);
    if (drawn < EDIT_SHARE + DELETE_SHARE + REACT_SHARE) return this.#react(key);
    return undefined;
  }

  /** A message that a new one answers. */
  toAnswer(): number | undefined {
    return this.#pickNewer([...this.#seen]);
  }

  /** The change under this key was made, or refused for good. */
  settled(key: string, isMade: boolean): void {
    const change = this.#pending.get(key);
    if (change === undefined) return;
    this.#pending.delete(key);
    if (!isMade) return this.gone(change.messageId);
    if (change.kind === 'delete') this.gone(change.messageId);
    if (change.kind !== 'react') return;
    const reaction = reactionOf(change);
    if (change.isOn) this.#reactions.add(reaction);
    else this.#reactions.delete(reaction);
  }

  /** The key of the deletion of this message that it waits for. */
  pendingDeletion(messageId: number): string | undefined {
    for (const [key, change] of this.#pending)
      if (change.kind === 'delete' && change.messageId === messageId) return key;
    return undefined;
  }

  /** The keys of reactions to a message that it waits for, and that these are the outcome of. */
  reactionsIn(messageId: number, reactions: readonly SeenReaction[]): string[] {
    const keys: string[] = [];
    for (const [key, change] of this.#pending) {
      if (change.kind !== 'react' || change.messageId !== messageId) continue;
      const isOn = reactions.some(({ emoji, me }) => me && emoji === change.emoji);
      if (isOn === change.isOn) keys.push(key);
    }
    return keys;
  }

  #edit(key: string): Request | undefined {
    const message = this.#ownMessage();
    if (message === undefined) return undefined;
    const [messageId, messageKey] = message;
    this.#pending.set(key, { kind: 'edit', messageId });
    const text = this.#context.textOf(messageKey, this.#random, key);
    return {
      frame: { type: 'edit', message_id: messageId, text },
      event: [Event.changing, key, messageId, 'edit', hashOf(text)],
    };
  }

  #delete(key: string): Request | undefined {
    const message = this.#ownMessage();
    if (message === undefined) return undefined;
    const [messageId] = message;
    this.#pending.set(key, { kind: 'delete', messageId });
    return {
      frame: { type: 'delete', message_id: messageId },
      event: [Event.changing, key, messageId, 'delete', '-'],
    };
  }

  #react(key: string): Request | undefined {
    const messageId = this.toAnswer();
    if (messageId === undefined) return undefined;
    const emoji = this.#random.pick(EMOJI);
    // What is so already is not asked for: the server remembers no name of a request that changes nothing, so a copy
    // of it that comes late may undo what was asked for next.
    const isOn = !this.#reactions.has(reactionOf({ messageId, emoji }));
    const change = { kind: 'react', messageId, emoji, isOn } as const;
    for (const other of this.#pending.values())
      if (other.kind === 'react' && reactionOf(other) === reactionOf(change)) return undefined;
    this.#pending.set(key, change);
    return {
      frame: { type: 'react', message_id: messageId, emoji, on: isOn },
      event: [Event.changing, key, messageId, 'react', `${encodeURIComponent(emoji)}:${isOn ? 1 : 0}`],
    };
  }

  /** A message of its own that is not being edited or deleted. */
  #ownMessage(): [id: number, key: string] | undefined {
    const busy = new Set<number>();
    for (const { kind, messageId } of this.#pending.values()) if (kind !== 'react') busy.add(messageId);
    return this.#pickNewer([...this.#own].filter(([id]) => !busy.has(id)));
  }

  /** Picks one of a list, and those near its end more often: so that several users change the same messages. */
  #pickNewer<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(list.length * (1 - this.#random.next() ** 3))];
  }
}

function reactionOf({ messageId, emoji }: { readonly messageId: number; readonly emoji: string }): string {
  return `${messageId} ${emoji}`;
}

function first<T>(all: Iterable<T>): T | undefined {
  for (const one of all) return one;
  return undefined;
}
