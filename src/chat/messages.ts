/** A message of a chat, as it stands in the log. */
export interface Message {
  readonly kind: 'message';
  readonly id: number;
  readonly chatId: number;
  readonly authorId: number;
  readonly text: string;
  /** Milliseconds since the epoch, UTC. */
  readonly time: number;
  readonly clientId: string | null;
}
