import { MainServerFrame } from '../../src/api/main-frames.js';
import type { Frame } from './socket.js';

/** A message as the client has it: the fields of its frame, or that it was deleted. */
export type KeptMessage = Frame;

export interface KeptChat {
  name: string;
  type: 'private' | 'group';
  /** A group's details, when it was told of them. */
  info: Frame | undefined;
  messages: Map<number, KeptMessage>;
  /** Every message from this id on is known. */
  from: number;
  unread: number;
  mentions: number;
  readId: number;
  /** An unread message was deleted whose author is not known. */
  isUnsure: boolean;
}

/** What a client keeps, as of a cursor. */
export interface Kept {
  readonly name: string | undefined;
  readonly chats: Map<number, KeptChat>;
}

/** What HTTP tells at a moment, and the newest entry of that. */
export interface Fetched {
  readonly kept: Kept;
  readonly newest: number;
}

/**
 * A client that keeps all of its user's chats by one main socket, as the documentation of the frames says. It checks the shape
 * of each frame, and that what it is sent comes in order and is its user's.
 */
export class MainClient {
  readonly userId: number;
  /** Where it resumes; undefined before the first page. */
  cursor: string | undefined;
  /** What it had at each cursor. */
  readonly cuts: { readonly cursor: string; readonly kept: Kept }[] = [];
  kept: Kept;
  /** Gives what HTTP tells at this moment, and the newest entry of that; asked when the client begins with nothing. */
  readonly #fetch: () => Fetched;
  /** What was fetched may be ahead of the frames up to this entry. */
  #fetchedAt = 0;
  /** Of the pages that are coming: the last item, and the messages of items. */
  #last = 0;
  #seen = new Map<number, number>();
  #isWhole = false;
  /** Messages of which one replay told twice. */
  repeats = 0;

  constructor(
    userId: number,
    fetch: () => Fetched,
    begin?: { readonly cursor: string; readonly kept: Kept },
  ) {
    this.userId = userId;
    this.#fetch = fetch;
    this.cursor = begin?.cursor;
    this.kept = structuredClone(begin?.kept ?? { name: undefined, chats: new Map() });
  }

  /** A new socket begins at the cursor. */
  connected(): void {
    this.#last = 0;
    this.#seen.clear();
    this.#isWhole = false;
  }

  take(frame: Frame): void {
    MainServerFrame.parse(frame);
    switch (frame.type) {
      case 'changes':
        return this.#page(frame);
      case 'unread':
        return this.#unread(frame);
      case 'cursor':
        return this.#keepCursor(frame.cursor);
      default:
        if (!this.#isWhole) throw new Error(`before its pages are whole comes ${JSON.stringify(frame)}`);
        this.#item(frame);
    }
  }

  #page({ changes, cursor, more }: Frame): void {
    if (this.cursor === undefined) this.#begin();
    // A live socket that catches up once more begins another replay.
    if (this.#isWhole) this.connected();
    for (const item of changes) {
      if (item.id < this.#last) throw new Error(`after ${this.#last} comes ${JSON.stringify(item)}`);
      this.#last = item.id;
      const about: number | undefined = item.message_id ?? (item.type === 'message' ? item.id : undefined);
      if (about !== undefined) {
        if (this.#seen.has(about)) this.repeats += 1;
        this.#seen.set(about, item.id);
      }
      this.#item(item);
    }
    this.#isWhole = more === undefined;
    this.#keepCursor(cursor);
  }

  #begin(): void {
    const { kept, newest } = this.#fetch();
    this.kept = structuredClone(kept);
    this.#fetchedAt = newest;
  }

  #keepCursor(cursor: string): void {
    this.cursor = cursor;
    this.cuts.push({ cursor, kept: structuredClone(this.kept) });
  }

  #unread({ chats, total_unread: total }: Frame): void {
    if (total !== undefined) for (const chat of this.kept.chats.values()) this.#allRead(chat);
    for (const { chat_id: chatId, unread, mentions, read_id: readId } of chats) {
      const chat = this.#chat(chatId, this.#fetchedAt);
      if (chat !== undefined) Object.assign(chat, { unread, mentions, readId, isUnsure: false });
    }
  }

  /** Whatever is not in a whole list has been read, as far as the client knows it. */
  #allRead(chat: KeptChat): void {
    Object.assign(chat, { unread: 0, mentions: 0, isUnsure: false });
    // What was fetched knows better, and may be ahead.
    if (this.#fetchedAt === 0 || this.cuts.length > 1)
      chat.readId = Math.max(chat.readId, ...chat.messages.keys());
  }

  #item(item: Frame): void {
    switch (item.type) {
      case 'added':
        return void this.kept.chats.set(item.chat.id, keptFrom(item));
      case 'limited': {
        const { info } = this.#chat(item.chat_id, item.id) ?? { info: undefined };
        return void this.kept.chats.set(item.chat_id, { ...keptFrom({ ...item, more: true }), info });
      }
      case 'removed': // Of a chat in which the user was for a while, too.
        return void this.kept.chats.delete(item.chat_id);
      case 'chat': {
        const { type: _group, ...info } = item.chat;
        const chat = this.#chat(item.chat.id, item.id);
        if (chat !== undefined) Object.assign(chat, { info, name: info.name });
        return;
      }
      case 'profile':
        return this.#profile(item);
      case 'message':
        return this.#message(item);
      case 'edited':
      case 'deleted':
      case 'reaction':
      case 'reactions':
        return this.#changed(item);
      default:
        throw new Error(`what is ${JSON.stringify(item)}?`);
    }
  }

  #profile({ id, user, chat_id: chatId }: Frame): void {
    if (chatId === undefined) {
      if (user.id !== this.userId) throw new Error(`whose profile is ${JSON.stringify(user)}?`);
      this.kept = { ...this.kept, name: user.name };
      return;
    }
    const chat = this.#chat(chatId, id);
    if (chat !== undefined) chat.name = user.name;
  }

  #message(message: Frame): void {
    const chat = this.#chat(message.chat_id, message.id);
    if (chat === undefined) return;
    chat.messages.set(message.id, message);
    if (!this.#counts(message)) return;
    chat.unread += 1;
    if (this.#isMentioned(message)) chat.mentions += 1;
  }

  #counts(message: Frame): boolean {
    return message.deleted !== true && message.author.id !== this.userId;
  }

  #isMentioned({ mentions = [] }: Frame): boolean {
    return mentions.includes(this.userId) || mentions.includes('all');
  }

  #changed(change: Frame): void {
    const chat = this.#chat(change.chat_id, change.id);
    if (chat === undefined) return;
    const { message_id: id } = change;
    const message = chat.messages.get(id);
    if (message === undefined && id >= chat.from && id > this.#fetchedAt)
      throw new Error(`a change of a message that was never told of: ${JSON.stringify(change)}`);
    if (change.type === 'deleted') this.#deleted(chat, id, message, change.id);
    if (message === undefined || message.deleted) return requote(chat, id, change);
    if (change.type === 'edited') {
      const { text, version, reactions = message.reactions } = change;
      chat.messages.set(id, { ...message, text, version, reactions });
    } else if (change.type === 'reactions') {
      chat.messages.set(id, { ...message, reactions: change.reactions });
    } else if (change.type === 'reaction') {
      chat.messages.set(id, { ...message, reactions: this.#reacted(message, change) });
    }
    requote(chat, id, change);
  }

  #deleted(chat: KeptChat, id: number, message: Frame | undefined, by: number): void {
    if (message !== undefined) chat.messages.set(id, { id, deleted: true });
    if (id <= chat.readId) return;
    if (message === undefined || (message.deleted && by <= this.#fetchedAt)) {
      chat.isUnsure = true; // Whose message it was is not known.
    } else if (this.#counts(message)) {
      chat.unread -= 1;
      if (this.#isMentioned(message)) chat.mentions -= 1;
    }
  }

  #reacted({ reactions: before = [] }: Frame, { emoji, count, on, author }: Frame): Frame[] {
    const old = before.find((reaction: Frame) => reaction.emoji === emoji);
    const me = author.id === this.userId ? on : (old?.me ?? false);
    const others = before.filter((reaction: Frame) => reaction !== old);
    return count === 0 ? others : [...others, { emoji, count, me }];
  }

  /** Errors: the user is told of a chat that is not theirs. Before the frames come to what was fetched, it may be gone by then. */
  #chat(chatId: number, id: number): KeptChat | undefined {
    const chat = this.kept.chats.get(chatId);
    if (chat === undefined && id > this.#fetchedAt)
      throw new Error(`user ${this.userId} is told by entry ${id} of chat ${chatId}`);
    return chat;
  }
}

function keptFrom({ chat, messages, more }: Frame): KeptChat {
  const { name, type, unread, mentions, read_id: readId } = chat;
  const known = new Map<number, KeptMessage>(messages.map((message: Frame) => [message.id, message]));
  const from = more ? Math.min(...known.keys()) : 0;
  return { name, type, info: undefined, messages: known, from, unread, mentions, readId, isUnsure: false };
}

/** Quotes follow what they quote. */
function requote({ messages }: KeptChat, id: number, { type, text }: Frame): void {
  if (type !== 'edited' && type !== 'deleted') return;
  for (const [of, { quote, ...message }] of messages) {
    if (message['reply_to'] !== id || quote === undefined) continue;
    messages.set(
      of,
      type === 'deleted' ? message : { ...message, quote: { ...quote, text: shortened(text) } },
    );
  }
}

function shortened(text: string): string {
  const characters = [...text];
  return characters.length > 100 ? `${characters.slice(0, 100).join('')}…` : text;
}
