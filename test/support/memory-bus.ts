import type { Bus, Typing } from '../../src/link/bus.js';

/** Buses within one process: every member of a hub hears the others, in a later microtask. */
export class MemoryHub {
  readonly #members = new Set<MemoryBus>();

  join(): Bus & { leave(): void } {
    const bus = new MemoryBus(this.#members);
    this.#members.add(bus);
    return bus;
  }

  /** What the ledger does after a commit. */
  hint(newest: number): void {
    for (const member of this.#members) queueMicrotask(() => member.newest(newest));
  }
}

class MemoryBus implements Bus {
  readonly #members: Set<MemoryBus>;
  readonly #chats = new Set<number>();
  #onNewest: (id: number) => void = () => undefined;
  #onTyping: (typing: Typing) => void = () => undefined;

  constructor(members: Set<MemoryBus>) {
    this.#members = members;
  }

  subscribe(chatId: number): void {
    this.#chats.add(chatId);
  }

  unsubscribe(chatId: number): void {
    this.#chats.delete(chatId);
  }

  publish(typing: Typing): void {
    for (const member of this.#members) queueMicrotask(() => member.typing(typing));
  }

  onNewest(listener: (id: number) => void): void {
    this.#onNewest = listener;
  }

  onTyping(listener: (typing: Typing) => void): void {
    this.#onTyping = listener;
  }

  newest(id: number): void {
    this.#onNewest(id);
  }

  typing(typing: Typing): void {
    if (this.#chats.has(typing.chatId)) this.#onTyping(typing);
  }

  leave(): void {
    this.#members.delete(this);
  }
}
