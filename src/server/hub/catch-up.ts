import { historyJson, lastMessageJson } from '../../api/frames.js';
import { Close, closeCodeOf } from '../../api/status.js';
import type { Chat } from '../../chat/chats.js';
import { ChatError } from '../../chat/errors.js';
import type { ReadView } from '../../store/read-store.js';
import type { Hub } from './hub.js';
import { FrameEncoder, PAGE_MESSAGES_MAX } from './pages.js';
import type { ChatSocket, MainSocket, Socket } from './sockets.js';

/** The next page goes out, and a socket goes live, when the peer has taken all but this much. */
const DRAINED_BYTES = 64 * 1024;
/** Sockets that wait share this much of a tick. */
const TICK_MS = 5;
/** A peer that takes nothing for this long is given up; it may resume. */
const STALLED_MS = 30_000;

/**
 * The one way to attach. A socket that opens, one that resumes, and one that could not keep up are the same:
 * each reads pages up to the worker's position, each when the previous has drained, and goes live in the same
 * tick in which nothing is left in between. No gap, no repeat, bounded memory, and a slow reader costs the
 * others nothing.
 */
export class CatchUp {
  readonly #hub: Hub;
  readonly #failed: (error: unknown) => void;
  /** Sockets that are not live and have drained, in the order of their turns. */
  readonly #ready = new Set<Socket>();
  #scheduled = false;

  constructor(hub: Hub, failed: (error: unknown) => void) {
    this.#hub = hub;
    this.#failed = failed;
    hub.backpressure.onMeasured((socket, buffered) => this.#measured(socket, buffered));
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

  /** Takes an open socket of the hub from `opening` to `live`: at once, when the log's end is within reach. */
  attach(socket: Socket): void {
    if (socket.state !== 'opening') return;
    socket.movedAt = performance.now();
    if (this.#ready.size > 0 || this.#hub.backpressure.full) return this.#queue(socket);
    const taken = this.#hub.follower.tryReadLatest((view) => this.#step(socket, view));
    if (taken === undefined) this.#queue(socket);
  }

  /** It has closed. */
  detach(socket: Socket): void {
    this.#hub.remove(socket);
    this.#ready.delete(socket); // While the worker is full nobody's turn comes.
  }

  /** The peer took something of what was sent. */
  drained(socket: Socket): void {
    if (socket.buffered <= DRAINED_BYTES && isWaiting(socket)) this.#queue(socket);
  }

  /** Once a second: those who take nothing are given up. */
  #measured(socket: Socket, buffered: number): void {
    if (!isWaiting(socket)) return;
    if (buffered <= DRAINED_BYTES) {
      this.#queue(socket); // Its turn may have been put off when the worker had no room.
    } else if (buffered < socket.leastBuffered) {
      socket.movedAt = performance.now();
    } else if (performance.now() - socket.movedAt > STALLED_MS) {
      socket.end(Close.tooSlow, 'too slow');
      return;
    }
    socket.leastBuffered = buffered;
  }

  #queue(socket: Socket): void {
    this.#ready.add(socket);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#ready.size === 0 || this.#hub.backpressure.full) return;
    this.#scheduled = true;
    setImmediate(() => {
      const turn = this.#hub.follower.readLatest((view) => this.#turn(view));
      if (turn instanceof Promise) turn.catch(() => undefined); // A log that cannot be read ends the worker elsewhere.
    });
  }

  /** A page each, in order; those that the tick has no time for wait for the next. */
  #turn(view: ReadView): void {
    this.#scheduled = false;
    const deadline = performance.now() + TICK_MS;
    for (const socket of this.#ready) {
      this.#ready.delete(socket);
      if (isWaiting(socket)) this.#step(socket, view);
      if (performance.now() >= deadline || this.#hub.backpressure.full) break;
    }
    this.#schedule();
  }

  #step(socket: Socket, view: ReadView): void {
    try {
      this.#page(socket, view);
    } catch (error) {
      const refusal = error instanceof ChatError ? error : new ChatError('internal');
      if (refusal.code === 'internal') this.#failed(error);
      socket.end(closeCodeOf(refusal.code), refusal.code);
    }
  }

  #page(socket: Socket, view: ReadView): void {
    if (socket.kind === 'main') return this.#mainPage(socket, view);
    const chat = this.#hub.caches.chat(view, socket.chatId);
    if (chat === undefined) throw new ChatError('chat_not_found');
    this.admit(view, socket.userId, chat, socket.position);
    if (socket.state === 'opening' && 'limit' in socket.start) this.#firstHistory(socket, socket.start, view);
    else this.#chatPage(socket, view);
  }

  #firstHistory(
    socket: ChatSocket,
    { limit, offset }: { limit: number; offset: number },
    view: ReadView,
  ): void {
    const count = Math.min(limit, PAGE_MESSAGES_MAX);
    const { frames, bytes, more } = this.#hub.pages.newest(view, socket.chatId, offset, count);
    socket.send(historyJson(frames, more));
    this.#sent(socket, bytes);
    this.#goOn(socket, view, false);
    socket.historySent();
  }

  #chatPage(socket: ChatSocket, view: ReadView): void {
    const { frames, bytes, last, more } = this.#hub.pages.after(view, socket.chatId, socket.position);
    if (socket.state === 'opening') socket.send(historyJson(frames, more));
    else socket.sendAll(frames);
    socket.position = last;
    this.#sent(socket, bytes);
    this.#goOn(socket, view, more);
  }

  /** Chats in ascending id of their newest message: one that gets a newer one meanwhile comes again, later. */
  #mainPage(socket: MainSocket, view: ReadView): void {
    const { caches, follower } = this.#hub;
    const isNew = socket.state === 'opening' && socket.after === undefined;
    this.admit(view, socket.userId, undefined, socket.position);
    if (isNew || socket.position >= follower.position) return this.#goOn(socket, view, false);

    if (socket.due.length === 0) this.#findDue(socket, view);
    const page = new FrameEncoder((message) => {
      const type = caches.chat(view, message.chatId)?.type ?? 'private';
      return lastMessageJson(message, caches.nameJson(view, message.authorId), type);
    });
    for (let chatId = socket.due.at(-1); chatId !== undefined; chatId = socket.due.at(-1)) {
      const message = caches.newestMessage(view, chatId);
      const isDue =
        message !== undefined && message.id <= socket.dueUpTo && view.isMember(chatId, socket.userId);
      if (isDue && !page.fits(message)) break;
      if (isDue) socket.position = message.id;
      socket.due.pop();
    }
    if (socket.due.length === 0) socket.position = socket.dueUpTo;
    socket.sendAll(page.frames);
    this.#sent(socket, page.bytes);
    this.#goOn(socket, view, socket.position < follower.position);
  }

  /** All chats are looked at, and that is not cheap: not for each page. */
  #findDue(socket: MainSocket, view: ReadView): void {
    const { caches, follower } = this.#hub;
    const newest = view
      .chatsOf(socket.userId)
      .map((chatId) => ({ chatId, id: caches.newestMessage(view, chatId)?.id ?? 0 }))
      .filter(({ id }) => id > socket.position);
    socket.due = newest.sort((a, b) => b.id - a.id).map(({ chatId }) => chatId);
    socket.dueUpTo = follower.position;
  }

  #sent(socket: Socket, bytes: number): void {
    this.#hub.backpressure.sent(bytes);
    socket.movedAt = performance.now();
    socket.leastBuffered = socket.buffered;
  }

  #goOn(socket: Socket, view: ReadView, more: boolean): void {
    if (!more) socket.position = this.#hub.follower.position;
    const drained = socket.buffered <= DRAINED_BYTES;
    if (!more && drained) return this.#hub.goLive(socket, view);
    // Its history is whole: what comes while it drains are single messages.
    if (!more) socket.state = 'behind';
    if (drained) this.#queue(socket);
  }
}

function isWaiting(socket: Socket): boolean {
  return socket.state === 'opening' || socket.state === 'behind';
}
