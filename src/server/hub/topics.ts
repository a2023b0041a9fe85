/** The engine's topics, each of which sends one encoded frame to all sockets of this worker that subscribed. */
export interface Topics {
  publish(topic: string, frame: string): void;
  numSubscribers(topic: string): number;
}

export const chatTopic = (chatId: number) => `c${chatId}`;
/** Only for sockets that ask for changes of messages. They subscribe to the chat's other topic as well. */
export const changesTopic = (chatId: number) => `e${chatId}`;
/** One topic for all private chats of a user. */
export const userTopic = (userId: number) => `u${userId}`;
export const groupTopic = (groupId: number) => `m${groupId}`;

// Topics of main sockets that ask for changes. They are sent messages and changes as the chats' own sockets are.

/** What concerns one user alone, and everything of the user's private chats. */
export const feedTopic = (userId: number) => `v${userId}`;
/** Everything of a group. */
export const groupFeedTopic = (groupId: number) => `g${groupId}`;
export const CURSOR_TOPIC = 'w';
