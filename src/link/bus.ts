/** A signal that a user began (`on`) or stopped typing. It is never stored, and may be lost. */
export interface Typing {
  readonly chatId: number;
  readonly userId: number;
  readonly on: boolean;
  /** The worker that the user is connected to, and the number of this signal among its own. */
  readonly worker: string;
  readonly sequence: number;
  /** How far that worker had followed the log when the user typed. */
  readonly position: number;
}

/**
 * Connects workers to each other. Everything on it may be lost, repeated, reordered or forged: a hint only wakes
 * those who follow the log, and typing is never stored.
 */
export interface Bus {
  /** After this call `onTyping` hears the signals of the chat. Repeating it changes nothing. */
  subscribe(chatId: number): void;
  unsubscribe(chatId: number): void;
  /** Sends to every worker that subscribed to the chat, this one included. */
  publish(typing: Typing): void;
  /** Sets the listener for the newest id of the log: a hint, not a promise. A bus has one such listener. */
  onNewest(listener: (id: number) => void): void;
  /** Sets the listener for typing in subscribed chats. A bus has one such listener. */
  onTyping(listener: (typing: Typing) => void): void;
}
