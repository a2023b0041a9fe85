/** One message of a chat, as it stands in the log. */
export interface Message {
  readonly id: number;
  readonly chatId: number;
  readonly authorId: number;
  readonly text: string;
  /** Milliseconds since the epoch, UTC. */
  readonly time: number;
  readonly clientId: string | null;
}

/** A user began (`on`) or stopped typing. Never stored, may be lost. */
export interface Typing {
  readonly chatId: number;
  readonly userId: number;
  readonly on: boolean;
  /** The process that the user is connected to, and the number of this signal among its own. */
  readonly origin: string;
  readonly sequence: number;
  /** How far the origin had followed the log when the user typed. */
  readonly position: number;
}
