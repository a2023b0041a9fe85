import type { StoredLog, StoredMessage } from './stored-log.js';
import type { Verdict } from './verdict.js';

/** A change that a client asked for, however often it sent it. */
interface Asked {
  readonly kind: 'edit' | 'delete' | 'react';
  readonly user: number;
  readonly messageId: number;
  /** The hash of the new text, or the emoji and whether the reaction is to be there. */
  readonly what: string;
  /** How many events there were before its acknowledgement; undefined without one. */
  acknowledgedAt: number | undefined;
  isRefused: boolean;
}

/** What was asked of a message. Of each part of it one user asks, one change after the other. */
interface Register {
  readonly edits: Asked[];
  deletion: Asked | undefined;
  /** By user and emoji. */
  readonly reactions: Map<string, Asked[]>;
}

export interface NewChange {
  readonly user: number;
  readonly messageId: number;
  readonly kind: string;
  readonly what: string;
}

/**
 * The changes that clients asked for. The text of a message, whether it is deleted, and each user's reaction with each
 * emoji are registers with a single writer, who waits for an acknowledgement before the next change: so it is known which
 * text each version has, and what must be stored in the end.
 */
export class AskedChanges {
  readonly #log: StoredLog;
  readonly #verdict: Verdict;
  readonly #byKey = new Map<string, Asked>();
  readonly #byMessage = new Map<number, Register>();
  acknowledged = 0;

  constructor(log: StoredLog, verdict: Verdict) {
    this.#log = log;
    this.#verdict = verdict;
  }

  get size(): number {
    return this.#byKey.size;
  }

  ask(key: string, { user, messageId, kind, what }: NewChange): void {
    if (this.#byKey.has(key)) return;
    if (kind !== 'edit' && kind !== 'delete' && kind !== 'react') return;
    const asked: Asked = { kind, user, messageId, what, acknowledgedAt: undefined, isRefused: false };
    this.#byKey.set(key, asked);
    const register = this.#registerOf(messageId);
    if (kind === 'edit') register.edits.push(asked);
    else if (kind === 'delete') register.deletion ??= asked;
    else {
      const reaction = reactionKey(user, what.split(':')[0] ?? '');
      register.reactions.set(reaction, [...(register.reactions.get(reaction) ?? []), asked]);
    }
  }

  /** `at` is the number of events before this one. */
  acknowledge(key: string, at: number): void {
    const asked = this.#byKey.get(key);
    if (asked === undefined) return;
    this.acknowledged += 1;
    asked.acknowledgedAt ??= at;
    if (this.#log.message(asked.messageId) === undefined)
      this.#verdict.add('lost', `${key}, a change of ${asked.messageId}, which is not there`);
  }

  /** The change was refused. Returns false when it is none, or may not be refused with this code. */
  refuse(key: string, code: string): boolean {
    const asked = this.#byKey.get(key);
    if (asked === undefined || code !== 'message_not_found' || !this.isDeletionAsked(asked.messageId))
      return false;
    asked.isRefused = true;
    return true;
  }

  isChange(key: string): boolean {
    return this.#byKey.has(key);
  }

  isDeletionAsked(messageId: number): boolean {
    return this.#byMessage.get(messageId)?.deletion !== undefined;
  }

  /** Whether a deletion of the message was acknowledged before that many events. */
  isDeletedBefore(messageId: number, at: number): boolean {
    return isBefore(this.#byMessage.get(messageId)?.deletion, at);
  }

  /** The version of the newest text that was acknowledged before that many events. */
  versionBefore(messageId: number, at: number): number {
    const edits = this.#byMessage.get(messageId)?.edits ?? [];
    return edits.findLastIndex((edit) => isBefore(edit, at)) + 2;
  }

  /** The hash of the text that this version of the message has; undefined when nobody asked for it. */
  textHashOf(message: StoredMessage, version: number): number | undefined {
    if (version === 1) return message.firstTextHash;
    const edit = this.#byMessage.get(message.id)?.edits[version - 2];
    return edit && Number(edit.what);
  }

  /** The version that the edit with this key made; undefined when nobody asked for that edit of that message. */
  versionOf(messageId: number, key: string): number | undefined {
    const asked = this.#byKey.get(key);
    const index = asked === undefined ? -1 : this.#registerOf(messageId).edits.indexOf(asked);
    return index === -1 ? undefined : index + 2;
  }

  /** Whether a user has asked to react, or to take the reaction back. `emoji` as in a history. */
  isReactionAsked(messageId: number, user: number, emoji: string, isOn: boolean): boolean {
    const asked = this.#byMessage.get(messageId)?.reactions.get(reactionKey(user, emoji)) ?? [];
    return asked.some(({ what }) => isOnIn(what) === isOn);
  }

  /** Whether the user's reaction is there after the last event; undefined when that is not known. */
  hasReacted(messageId: number, user: number, emoji: string): boolean | undefined {
    return lastOf(
      this.#byMessage.get(messageId)?.reactions.get(reactionKey(user, encodeURIComponent(emoji))) ?? [],
    );
  }

  /** After the last event: checks that what is stored is what was asked for. */
  finish(): void {
    for (const message of this.#log.messages()) {
      const register = this.#byMessage.get(message.id) ?? NOTHING;
      if (message.state.isDeleted) {
        if (register.deletion === undefined)
          this.#verdict.add('phantom', `${message.id} is deleted, and nobody asked for that`);
        continue;
      }
      if (register.deletion?.acknowledgedAt !== undefined)
        this.#verdict.add('lost', `the deletion of ${message.id} was acknowledged, and it is there`);
      if (register !== NOTHING || message.state.version > 1) this.#finishText(message, register);
      if (register !== NOTHING || message.state.reactions.size > 0) this.#finishReactions(message, register);
    }
  }

  #finishText(message: StoredMessage, { edits }: Register): void {
    const { id, textHash } = message;
    const { version } = message.state;
    const least = edits.findLastIndex(({ acknowledgedAt }) => acknowledgedAt !== undefined) + 2;
    const what = `${id} has version ${version}, ${edits.length} edits were sent`;
    if (version < least) return this.#verdict.add('lost', `${what}, and version ${least} was acknowledged`);
    const known = edits.map((edit) => Number(edit.what));
    if (version > edits.length + 1)
      return this.#verdict.add(known.includes(textHash) ? 'duplicate' : 'phantom', what);
    if (version > 1 && known[version - 2] !== textHash) {
      const isOld = known.includes(textHash) || textHash === message.firstTextHash;
      this.#verdict.add(isOld ? 'lost' : 'phantom', `${id} has another text than version ${version}`);
    }
  }

  #finishReactions(message: StoredMessage, { reactions }: Register): void {
    const certain = new Map<string, number>();
    const possible = new Map<string, number>();
    for (const [reaction, asked] of reactions) {
      const emoji = decodeURIComponent(reaction.split(' ')[1] ?? '');
      const isOn = lastOf(asked);
      if (isOn === true) certain.set(emoji, (certain.get(emoji) ?? 0) + 1);
      if (isOn !== false) possible.set(emoji, (possible.get(emoji) ?? 0) + 1);
    }
    for (const emoji of new Set([...possible.keys(), ...message.state.reactions.keys()])) {
      const count = message.state.reactions.get(emoji) ?? 0;
      const [least, most] = [certain.get(emoji) ?? 0, possible.get(emoji) ?? 0];
      if (count >= least && count <= most) continue;
      const users = least === most ? least : `${least} to ${most}`;
      this.#verdict.add('miscounted', `${message.id} has ${count} ${emoji}, of ${users} users`);
    }
  }

  #registerOf(messageId: number): Register {
    let register = this.#byMessage.get(messageId);
    if (register === undefined) {
      register = { edits: [], deletion: undefined, reactions: new Map() };
      this.#byMessage.set(messageId, register);
    }
    return register;
  }
}

const NOTHING: Register = { edits: [], deletion: undefined, reactions: new Map() };

function isBefore(asked: Asked | undefined, at: number): boolean {
  return asked?.acknowledgedAt !== undefined && asked.acknowledgedAt < at;
}

function reactionKey(user: number, emoji: string): string {
  return `${user} ${emoji}`;
}

function isOnIn(what: string): boolean {
  return what.endsWith(':1');
}

/** What the last acknowledged change says, unless one that was sent later may have come true as well. */
function lastOf(asked: readonly Asked[]): boolean | undefined {
  const last = asked.findLastIndex(({ acknowledgedAt }) => acknowledgedAt !== undefined);
  const isOn = last !== -1 && isOnIn(asked[last]?.what ?? '');
  const later = asked.slice(last + 1).filter(({ isRefused }) => !isRefused);
  return later.every(({ what }) => isOnIn(what) === isOn) ? isOn : undefined;
}
