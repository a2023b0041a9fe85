import { HISTORY_BYTES_MAX, historyJson, lastMessageJson, messageJson } from '../api/frames.js';
import { closeCodeOf } from '../api/status.js';
import type { Chat } from '../chat/chats.js';
import { ChatError } from '../chat/errors.js';
import type { Message } from '../chat/messages.js';
import type { ReadView } from '../chat/ports.js';
import type { Hub } from './hub.js';
import type { ChatSocket, MainSocket } from './sockets.js';

/** The next page goes out when the peer has taken all but this much. */
const DRAINED_BYTES = 64 * 1024;
/** Messages of one page at most. */
const PAGE_MESSAGES_MAX = 1000;
/** Sockets that are behind share this much of a tick. */
const TICK_MS = 5;
/** Room for what surrounds the messages in a history frame. */
const ENVELOPE_BYTES = 64;

type Socket = ChatSocket | MainSocket;

/**
 * The one way to attach. A socket that opens, and one that resumes, is behind: it reads pages up to the
 * worker's position, each when the previous has drained, and goes live in the same tick in which nothing is
 * left in between. No gap, no repeat, bounded memory.
 */
export class Attachments {
  readonly #hub: Hub;
  readonly #failed: (error: unknown) => void;
  #ready: Socket[] = [];
  #scheduled = false;

  constructor(hub: Hub, failed: (error: unknown) => void) {
    this.#hub = hub;
    this.#failed = failed;
  }

  /**
   * Whether this user may attach there, now. Errors: chat_not_found, group_not_found, after_unknown.
   * `of` is undefined for `main`.
   */
  admit(
    view: ReadView,
    userId: number,
    of: { id: number; type: Chat['type'] } | undefined,
    after?: number,
  ): void {
    if (of !== undefined) this.#hub.chatFor(view, userId, of.id, of.type);
    if (after !== undefined && after > this.#hub.follower.position) throw new ChatError('after_unknown');
  }

  /** Takes an open socket from `opening` to `live`. */
  attach(socket: Socket): void {
    this.#hub.add(socket);
    this.#step(socket);
  }

  /** The peer took what was sent. */
  drained(socket: Socket): void {
    if (socket.state === 'behind' && socket.buffered <= DRAINED_BYTES) this.#queue(socket);
  }

  #queue(socket: Socket): void {
    this.#ready.push(socket);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#tick());
  }

  /** Sockets take turns, a page each; those that the tick has no time for wait for the next. */
  #tick(): void {
    const deadline = performance.now() + TICK_MS;
    const waiting = this.#ready;
    this.#ready = [];
    do {
      const socket = waiting.shift();
      // One that still has too much to take comes again with its drain.
      if (socket !== undefined && socket.buffered <= DRAINED_BYTES) this.#step(socket);
    } while (waiting.length > 0 && performance.now() < deadline);
    this.#ready.unshift(...waiting);
    this.#scheduled = this.#ready.length > 0;
    if (this.#scheduled) setImmediate(() => this.#tick());
  }

  #step(socket: Socket): void {
    try {
      const stepping = this.#hub.follower.exact((view) => this.#page(socket, view));
      if (stepping instanceof Promise) stepping.catch((error: unknown) => this.#refuse(socket, error));
    } catch (error) {
      this.#refuse(socket, error);
    }
  }

  #page(socket: Socket, view: ReadView): void {
    if (socket.state === 'closed' || socket.state === 'live') return;
    if (socket.kind === 'main') return this.#mainPage(socket, view);
    const chat = this.#hub.caches.chat(view, socket.chatId);
    if (chat === undefined) throw new ChatError('chat_not_found');
    const start = socket.state === 'opening' && 'after' in socket.start ? socket.start.after : undefined;
    this.admit(view, socket.userId, chat, start);
    if ('after' in socket.start) return this.#chatPage(socket, view);

    const page = this.#pageOfMessages(view);
    const { limit, offset } = socket.start;
    const { more } = view.messagesBefore(
      socket.chatId,
      offset,
      Math.min(limit, PAGE_MESSAGES_MAX),
      page.fits,
    );
    socket.send(historyJson(page.frames.reverse(), more));
    this.#hub.goLive(socket, view);
  }

  #chatPage(socket: ChatSocket, view: ReadView): void {
    const page = this.#pageOfMessages(view);
    const { messages, more } = view.messagesAfter(
      socket.chatId,
      socket.position,
      PAGE_MESSAGES_MAX,
      page.fits,
    );
    socket.position = messages.at(-1)?.id ?? socket.position;
    socket.send(historyJson(page.frames, more));
    this.#goOn(socket, view, more);
  }

  #pageOfMessages(view: ReadView): Page {
    return new Page((message) => messageJson(message, this.#hub.caches.nameJson(view, message.authorId)));
  }

  /** Chats in ascending id of their newest message: one that gets a newer one meanwhile comes again, later. */
  #mainPage(socket: MainSocket, view: ReadView): void {
    const { caches, follower } = this.#hub;
    const start = socket.state === 'opening' ? socket.after : undefined;
    this.admit(view, socket.userId, undefined, start);
    if (socket.after === undefined || socket.position >= follower.position)
      return this.#hub.goLive(socket, view);

    const newest: Message[] = [];
    for (const chatId of view.chatsOf(socket.userId)) {
      const message = caches.newestMessage(view, chatId);
      if (message !== undefined && message.id > socket.position) newest.push(message);
    }
    newest.sort((a, b) => a.id - b.id);
    const page = new Page((message) => {
      const type = caches.chat(view, message.chatId)?.type ?? 'private';
      return lastMessageJson(message, caches.nameJson(view, message.authorId), type);
    });
    const full = newest.findIndex((message) => !page.fits(message));
    for (const frame of page.frames) socket.send(frame);
    const sent = full === -1 ? newest.length : full;
    socket.position = newest[sent - 1]?.id ?? socket.position;
    this.#goOn(socket, view, full !== -1);
  }

  #goOn(socket: Socket, view: ReadView, more: boolean): void {
    if (!more) return this.#hub.goLive(socket, view);
    socket.state = 'behind';
    if (socket.buffered <= DRAINED_BYTES) this.#queue(socket);
  }

  #refuse(socket: Socket, error: unknown): void {
    const refusal = error instanceof ChatError ? error : new ChatError('internal');
    if (refusal.code === 'internal') this.#failed(error);
    socket.end(closeCodeOf(refusal.code), refusal.code);
  }
}

/** Encodes messages as long as they fit into one frame; the first always does. */
class Page {
  readonly frames: string[] = [];
  readonly #encode: (message: Message) => string;
  #bytes = ENVELOPE_BYTES;

  constructor(encode: (message: Message) => string) {
    this.#encode = encode;
  }

  readonly fits = (message: Message): boolean => {
    const frame = this.#encode(message);
    const bytes = Buffer.byteLength(frame) + 1;
    if (this.frames.length > 0 && this.#bytes + bytes > HISTORY_BYTES_MAX) return false;
    this.#bytes += bytes;
    this.frames.push(frame);
    return true;
  };
}
