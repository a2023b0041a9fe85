import type { Bus, Typing } from './bus.js';

/** Uses two buses as one. Listeners hear everything that either brings, so what both bring is heard twice. */
export class CombinedBus implements Bus {
  readonly #buses: readonly Bus[];

  constructor(one: Bus, other: Bus) {
    this.#buses = [one, other];
  }

  subscribe(chatId: number): void {
    for (const bus of this.#buses) bus.subscribe(chatId);
  }

  unsubscribe(chatId: number): void {
    for (const bus of this.#buses) bus.unsubscribe(chatId);
  }

  publish(typing: Typing): void {
    for (const bus of this.#buses) bus.publish(typing);
  }

  onNewest(listener: (id: number) => void): void {
    for (const bus of this.#buses) bus.onNewest(listener);
  }

  onTyping(listener: (typing: Typing) => void): void {
    for (const bus of this.#buses) bus.onTyping(listener);
  }
}
