/** A user began (`on`) or stopped typing. Never stored, may be lost. */
export interface Typing {
  readonly chatId: number;
  readonly userId: number;
  readonly on: boolean;
  /** The process that the user is connected to, and the number of this signal among its own. */
  readonly worker: string;
  readonly sequence: number;
  /** How far the origin had followed the log when the user typed. */
  readonly position: number;
}

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
