import { ChatServerFrame } from '../../src/api/frames.js';
import type { View } from '../../src/chat/messages.js';
import { type SeenMessage, shortened } from './chat-model.js';
import type { Frame } from './socket.js';

type Content = NonNullable<SeenMessage['content']>;

/**
 * A client that keeps what it was shown of a chat, as the documentation of the frames says. It checks each frame's shape,
 * and that what a socket is sent comes in the order of the log, each entry once.
 */
export class ChatClient {
  readonly userId: number;
  readonly view: View;
  /** Where it resumes: the newest entry that it was shown. 0 is the beginning. */
  cursor: { readonly id: number; readonly time: number } = { id: 0, time: 0 };
  readonly #messages: Map<number, SeenMessage>;
  /** The messages that its socket brought, and the last entry among what it brought. */
  #brought = new Set<number>();
  #last = 0;

  /** `known`: what it kept of before. */
  constructor(userId: number, view: View, known: readonly SeenMessage[] = []) {
    this.userId = userId;
    this.view = view;
    this.#messages = new Map(known.map((message) => [message.id, message]));
  }

  /** It was shown everything up to this entry. */
  beginAfter(cursor: ChatClient['cursor']): void {
    this.cursor = cursor;
    this.reconnected();
  }

  /** It has a new socket, which brings what follows after its cursor. */
  reconnected(): void {
    this.#brought = new Set();
    this.#last = this.cursor.id;
  }

  /** Every message that it knows, oldest first. */
  get messages(): SeenMessage[] {
    return [...this.#messages.values()].sort((a, b) => a.id - b.id);
  }

  /** What its socket is sent. */
  take(frame: Frame): void {
    ChatServerFrame.parse(frame);
    for (const entry of frame.type === 'history' ? frame.messages : [frame]) this.#takeEntry(entry);
  }

  #takeEntry(entry: Frame): void {
    const { id, type } = entry;
    if (this.view === 'plain') assertPlain(entry);
    if (id <= this.#last) throw new Error(`after ${this.#last} comes ${JSON.stringify(entry)}`);
    this.#last = id;
    this.cursor = { id, time: Date.parse(entry.time) };
    if (type === 'message') {
      if (this.#brought.has(id)) throw new Error(`message ${id} comes twice`);
      this.#brought.add(id);
      this.#messages.set(id, entry.deleted ? { id } : { id, content: contentOf(entry) });
      return;
    }
    const messageId: number = entry.message_id;
    if (type === 'edited') this.#edited(messageId, entry);
    else if (type === 'deleted') this.#deleted(messageId);
    else if (type === 'reactions') this.#change(messageId, { reactions: entry.reactions });
    else if (type === 'reaction') this.#reacted(messageId, entry);
    else throw new Error(`what is a ${type}?`);
  }

  #edited(messageId: number, { text, version, reactions }: Frame): void {
    this.#change(messageId, { text, version, ...(reactions !== undefined && { reactions }) });
    this.#requote(messageId, shortened(text));
  }

  #deleted(messageId: number): void {
    if (this.#messages.has(messageId)) this.#messages.set(messageId, { id: messageId });
    this.#requote(messageId, undefined);
  }

  #reacted(messageId: number, { emoji, count, on, author }: Frame): void {
    const before = this.#messages.get(messageId)?.content?.reactions ?? [];
    const wasMe = before.some((reaction) => reaction.emoji === emoji && reaction.me);
    const after = { emoji, count, me: author.id === this.userId ? on : wasMe };
    const isKnown = before.some((reaction) => reaction.emoji === emoji);
    const all = isKnown
      ? before.map((reaction) => (reaction.emoji === emoji ? after : reaction))
      : [...before, after];
    this.#change(messageId, { reactions: all.filter((reaction) => reaction.count > 0) });
  }

  /** A message that it does not know, or that was deleted, stays as it is. */
  #change(id: number, change: Partial<Content>): void {
    const content = this.#messages.get(id)?.content;
    if (content !== undefined) this.#messages.set(id, { id, content: { ...content, ...change } });
  }

  #requote(messageId: number, text: string | undefined): void {
    for (const { id, content } of this.#messages.values()) {
      if (content?.replyTo !== messageId || content.quote === undefined) continue;
      this.#change(id, { quote: text === undefined ? undefined : { ...content.quote, text } });
    }
  }
}

function contentOf({
  author,
  text,
  version = 1,
  mentions = [],
  reply_to,
  quote,
  reactions = [],
}: Frame): Content {
  return {
    authorId: author.id,
    text,
    version,
    mentions,
    replyTo: reply_to,
    quote: quote && { text: quote.text, authorId: quote.author.id },
    reactions,
  };
}

/** Errors: who did not ask for changes is told of one. */
function assertPlain(entry: Frame): void {
  if (entry.type !== 'message' || 'deleted' in entry || 'reactions' in entry)
    throw new Error(`a plain socket is sent ${JSON.stringify(entry)}`);
}
