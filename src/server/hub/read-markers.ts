import { seenJson } from '../../api/encode.js';
import type { Submit } from '../../chat/commands.js';
import type { ChatRead } from '../../chat/entries.js';
import type { Hub } from './hub.js';
import { tellRead } from './sockets.js';

/** What a user reads of a chat is written at most this often: clients say it for each message that comes into view. */
const WRITE_EVERY_MS = 250;
/** The other members are told together, at most this often, who has read how far. */
const SHOW_EVERY_MS = 500;

/** What a user has read of a chat since it was written last. */
interface Pending {
  /** The highest id; undefined when nothing is to be written. */
  id: number | undefined;
  failed: (error: unknown) => void;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Knows how far users have read. A marker is in the store, and moves forward alone; the log tells every worker of it. A
 * user's own sockets are told at once, the other members of small chats a little later and all together.
 */
export class ReadMarkers {
  readonly #hub: Hub;
  readonly #submit: Submit;
  /** By user and chat, for as long as the next write has to wait. */
  readonly #pending = new Map<string, Pending>();
  /** By chat, by user, the newest id: what the members are told next. */
  readonly #toShow = new Map<number, Map<number, number>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(hub: Hub, submit: Submit) {
    this.#hub = hub;
    this.#submit = submit;
    hub.onRead((entry) => this.#passed(entry));
  }

  /** A user has read a chat up to an id. `failed` gets the refusal, if there is one. */
  read(userId: number, chatId: number, id: number, failed: Pending['failed']): void {
    const key = `${userId} ${chatId}`;
    const waiting = this.#pending.get(key);
    const pending = waiting ?? { id: undefined, failed, timer: undefined };
    pending.id = Math.max(pending.id ?? 0, id);
    pending.failed = failed;
    if (waiting !== undefined) return;
    this.#pending.set(key, pending);
    this.#write(key, pending, userId, chatId);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const { timer } of this.#pending.values()) clearTimeout(timer);
    this.#pending.clear();
  }

  /** Writes what is pending, and looks again when the next write may come. */
  #write(key: string, pending: Pending, userId: number, chatId: number): void {
    const { id, failed } = pending;
    if (id === undefined) return void this.#pending.delete(key);
    pending.id = undefined;
    this.#submit('mark_read', { actor: userId, chatId, id }).catch(failed);
    pending.timer = setTimeout(() => this.#write(key, pending, userId, chatId), WRITE_EVERY_MS);
  }

  #passed({ chatId, authorId, readId, isShown }: ChatRead): void {
    for (const socket of this.#hub.audiences.fullOf(authorId)) {
      if (socket.kind === 'chat' && socket.chatId === chatId && socket.state === 'live')
        tellRead(socket, readId);
    }
    if (!isShown || !this.#hub.audiences.isWatched(chatId)) return;
    const users = this.#toShow.get(chatId) ?? new Map<number, number>();
    this.#toShow.set(chatId, users.set(authorId, readId));
    this.#timer ??= setTimeout(() => this.#show(), SHOW_EVERY_MS);
  }

  #show(): void {
    this.#timer = undefined;
    for (const [chatId, users] of this.#toShow) {
      const frame = seenJson(chatId, users);
      this.#hub.publishChange(chatId, frame);
      for (const socket of this.#hub.audiences.watchers(chatId))
        if (socket.state === 'live') socket.send(frame);
    }
    this.#toShow.clear();
  }
}
