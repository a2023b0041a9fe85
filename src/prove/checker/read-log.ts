import type { WebSocket } from 'ws';
import { assertNever, type Entry } from '../../chat/entries.js';
import type { Message } from '../../chat/messages.js';
import { storage } from '../../storage.js';
import type { Lacks, PageBounds } from '../../store/read-store.js';
import type { SeenMessage, SeenTombstone } from '../message.js';
import { hashOf } from '../random.js';
import { changeHash, StoredLog } from './stored-log.js';

const PAGE: PageBounds = { max: 5000, maxBytes: 16 * 1024 * 1024 };
/** Users and chats are not asked for. */
const LACKS_NOTHING: Lacks = { author: () => false, chat: () => false, partners: () => false };

/** Reads the log of these chats from the database in `dataDir`; the server may be running. */
export async function readDatabase(dataDir: string, chats: ReadonlySet<number>): Promise<StoredLog> {
  const log = new StoredLog({ hasChanges: true });
  const store = storage.openReader(dataDir);
  try {
    let position = 0;
    for (let more = true; more; ) {
      const page = await store.log(position, PAGE, LACKS_NOTHING);
      for (const entry of page.entries) {
        position = entry.id;
        if ('chatId' in entry && chats.has(entry.chatId)) take(log, entry);
      }
      more = page.more;
    }
  } finally {
    store.close();
  }
  return log;
}

function take(log: StoredLog, entry: Entry): void {
  switch (entry.kind) {
    case 'message':
      return log.add(seenOf(entry), entry.extra?.changeId);
    case 'message_edited': {
      const { id, messageId, version } = entry;
      // The text is gone when the message was deleted since.
      const textHash = entry.text === '' ? undefined : hashOf(entry.text);
      log.messageChanges?.set(id, {
        id,
        messageId,
        hash: textHash === undefined ? undefined : changeHash('edited', version, textHash),
        isIn: ({ state, textHash: stored }) => state.version === version && stored === textHash,
      });
      return;
    }
    case 'message_deleted': {
      const { id, messageId } = entry;
      const hash = changeHash('deleted');
      log.messageChanges?.set(id, { id, messageId, hash, isIn: ({ state }) => state.isDeleted });
      return;
    }
    case 'reaction_changed': {
      const { id, messageId, authorId, emoji, isOn, count } = entry;
      log.messageChanges?.set(id, {
        id,
        messageId,
        hash: changeHash('reaction', authorId, encodeURIComponent(emoji), isOn ? 1 : 0, count),
        isIn: ({ state }) => (state.reactions.get(emoji) ?? 0) === count,
      });
      return;
    }
    case 'group_created':
    case 'members_added':
      log.changes?.push({ id: entry.id, chatId: entry.chatId, kind: 'added', users: entry.users });
      return;
    case 'members_removed':
      log.changes?.push({ id: entry.id, chatId: entry.chatId, kind: 'removed', users: entry.users });
      return;
    case 'chat_opened':
    case 'chat_read':
    case 'group_changed':
    case 'group_deleted':
    case 'tokens_revoked':
    case 'user_changed':
    case 'user_created':
    case 'unknown':
      return;
    default:
      assertNever(entry);
  }
}

/** A message as a client is shown it that asks for changes. Who reacted is not asked for. */
function seenOf({ id, chatId, authorId, text, time, clientId, extra }: Message): SeenMessage | SeenTombstone {
  const head = {
    id,
    chat_id: chatId,
    author: { id: authorId },
    time: new Date(time).toISOString(),
    ...(clientId !== null && { client_id: clientId }),
  };
  if (extra?.deletedAt !== undefined) return { ...head, deleted: true };
  return {
    ...head,
    text,
    ...(extra?.replyTo !== undefined && { reply_to: extra.replyTo }),
    ...(extra?.version !== undefined && { version: extra.version }),
    reactions: (extra?.reactions ?? []).map((reaction) => ({ ...reaction, me: false })),
  };
}

/** Where a chat's history is read, and the token of a member who may. */
export interface ChatReader {
  readonly path: string;
  readonly token: string;
}

/** Reads the whole history of each chat through the API, for a server whose database is not at hand. */
export async function readHistories(
  Client: typeof WebSocket,
  url: string,
  readers: Iterable<ChatReader>,
): Promise<StoredLog> {
  const log = new StoredLog({ hasChanges: false });
  for (const { path, token } of readers) {
    await new Promise<void>((resolve, reject) => {
      const ws = new Client(`${url.replace(/^http/, 'ws')}${path}?after=0&features=1`, {
        headers: { authorization: `Bearer ${token}` },
      });
      ws.on('message', (data: Buffer) => {
        const frame = JSON.parse(data.toString()) as {
          type: string;
          messages: (SeenMessage | SeenTombstone)[];
          more?: boolean;
        };
        if (frame.type !== 'history') return;
        for (const message of frame.messages) log.add(message);
        if (frame.more) return;
        ws.terminate();
        resolve();
      });
      ws.on('error', reject);
      ws.on('close', () => reject(new Error(`the history of ${path} ended early`)));
    });
  }
  return log;
}
