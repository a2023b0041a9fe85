import type { Typing } from '../chat/messages.js';

/**
 * What links workers to each other. Everything on it may be lost, repeated, reordered or made up: hints only
 * wake those who follow the log, and typing is decoration.
 */
export interface Bus {
  /** From now on `onTyping` hears the signals of this chat. Repeating it changes nothing. */
  subscribe(chatId: number): void;
  unsubscribe(chatId: number): void;
  /** Tells every worker that subscribed to the chat, this one included. */
  publish(typing: Typing): void;
  /** The listener for the newest id of the log: a hint, not a promise. One per bus. */
  onNewest(listener: (id: number) => void): void;
  /** The listener for typing in subscribed chats. One per bus. */
  onTyping(listener: (typing: Typing) => void): void;
}
