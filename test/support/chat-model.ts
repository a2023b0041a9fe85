import type { Command } from '../../src/chat/commands.js';
import { QUOTE_CHARACTERS_MAX } from '../../src/chat/messages.js';

/** A message as a member of its chat sees it. Names are left out, since nobody is told when they change. */
export interface SeenMessage {
  readonly id: number;
  /** What it has beside its id; undefined when it was deleted. */
  readonly content?: {
    readonly authorId: number;
    readonly text: string;
    readonly version: number;
    readonly mentions: readonly (number | 'all')[];
    readonly replyTo: number | undefined;
    readonly quote: { readonly text: string; readonly authorId: number } | undefined;
    readonly reactions: readonly { readonly emoji: string; readonly count: number; readonly me: boolean }[];
  };
}

/** A change of a chat that some user asks for. `target` is a message. */
export type Ask =
  | {
      readonly kind: 'post';
      readonly by: number;
      readonly text: string;
      readonly replyTo?: number | undefined;
    }
  | { readonly kind: 'edit'; readonly by: number; readonly target: number; readonly text: string }
  | { readonly kind: 'delete'; readonly by: number; readonly target: number }
  | {
      readonly kind: 'react';
      readonly by: number;
      readonly target: number;
      readonly emoji: string;
      readonly isOn: boolean;
    };

interface ModelMessage {
  readonly id: number;
  readonly authorId: number;
  text: string;
  version: number;
  isDeleted: boolean;
  readonly replyTo: number | undefined;
  /** In the order in which each emoji came first. */
  readonly reactions: Map<string, Set<number>>;
}

/** A group as the rules say that it must be, made simply: what the store and the hub are held to. */
export class ChatModel {
  readonly chatId: number;
  readonly members: Set<number>;
  readonly #ownerId: number;
  readonly #messages = new Map<number, ModelMessage>();

  constructor(chatId: number, ownerId: number, members: readonly number[]) {
    this.chatId = chatId;
    this.#ownerId = ownerId;
    this.members = new Set(members);
  }

  /** The ids of all messages, deleted ones among them, oldest first. */
  get ids(): number[] {
    return [...this.#messages.keys()];
  }

  /** Whether the user may ask for this. One who may not is refused. */
  isAllowed(ask: Ask): boolean {
    if (!this.members.has(ask.by)) return false;
    if (ask.kind === 'post') return ask.replyTo === undefined || !this.#at(ask.replyTo).isDeleted;
    const { authorId, isDeleted } = this.#at(ask.target);
    if (ask.kind === 'delete') return authorId === ask.by || this.#ownerId === ask.by;
    return !isDeleted && (ask.kind === 'react' || authorId === ask.by);
  }

  /** Does what is allowed. `id` is that of the next entry. Returns whether there is one: nothing may be left to do. */
  apply(ask: Ask, id: number): boolean {
    if (ask.kind === 'post') {
      const { by: authorId, text, replyTo } = ask;
      const message = { id, authorId, text, version: 1, isDeleted: false, replyTo, reactions: new Map() };
      this.#messages.set(id, message);
      return true;
    }
    const message = this.#at(ask.target);
    switch (ask.kind) {
      case 'edit':
        if (message.text === ask.text) return false;
        message.text = ask.text;
        message.version += 1;
        return true;
      case 'delete':
        if (message.isDeleted) return false;
        message.isDeleted = true;
        return true;
      case 'react':
        return react(message.reactions, ask.emoji, ask.by, ask.isOn);
    }
  }

  hasReacted(userId: number, messageId: number, emoji: string): boolean {
    return this.#at(messageId).reactions.get(emoji)?.has(userId) ?? false;
  }

  command(ask: Ask): Command {
    const { chatId } = this;
    switch (ask.kind) {
      case 'post':
        return { kind: 'post_message', chatId, authorId: ask.by, text: ask.text, replyTo: ask.replyTo };
      case 'edit':
        return { kind: 'edit_message', chatId, actor: ask.by, messageId: ask.target, text: ask.text };
      case 'delete':
        return { kind: 'delete_message', chatId, actor: ask.by, messageId: ask.target };
      case 'react': {
        const { by: actor, target: messageId, emoji, isOn } = ask;
        return { kind: 'react', chatId, actor, messageId, emoji, isOn };
      }
    }
  }

  /** Every message as the user sees it, oldest first. */
  seenBy(userId: number): SeenMessage[] {
    return [...this.#messages.values()].map(({ id, isDeleted, ...message }) => {
      if (isDeleted) return { id };
      const { authorId, text, version, replyTo } = message;
      const quoted = replyTo === undefined ? undefined : this.#at(replyTo);
      const reactions = [...message.reactions].map(([emoji, users]) => {
        return { emoji, count: users.size, me: users.has(userId) };
      });
      const quote =
        quoted === undefined || quoted.isDeleted
          ? undefined
          : { text: shortened(quoted.text), authorId: quoted.authorId };
      return { id, content: { authorId, text, version, mentions: [], replyTo, quote, reactions } };
    });
  }

  #at(id: number): ModelMessage {
    const message = this.#messages.get(id);
    if (message === undefined) throw new Error(`there is no message ${id}`);
    return message;
  }
}

/** What a quote shows of a text. */
export function shortened(text: string): string {
  const characters = [...text];
  const isLong = characters.length > QUOTE_CHARACTERS_MAX;
  return isLong ? `${characters.slice(0, QUOTE_CHARACTERS_MAX).join('')}…` : text;
}

function react(reactions: Map<string, Set<number>>, emoji: string, by: number, isOn: boolean): boolean {
  const users = reactions.get(emoji) ?? new Set();
  if (users.has(by) === isOn) return false;
  if (isOn) reactions.set(emoji, users.add(by));
  else users.delete(by);
  if (users.size === 0) reactions.delete(emoji);
  return true;
}
