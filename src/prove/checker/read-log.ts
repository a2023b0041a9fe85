import type { WebSocket } from 'ws';
import { assertNever, type Entry } from '../../chat/entries.js';
import { storage } from '../../storage.js';
import type { Lacks, PageBounds } from '../../store/read-store.js';
import type { SeenMessage } from '../message.js';
import { StoredLog } from './stored-log.js';

const PAGE: PageBounds = { max: 5000, maxBytes: 16 * 1024 * 1024 };
/** Users and chats are not asked for. */
const LACKS_NOTHING: Lacks = { author: () => false, chat: () => false };

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
      return log.add({
        id: entry.id,
        chat_id: entry.chatId,
        author: { id: entry.authorId },
        text: entry.text,
        time: new Date(entry.time).toISOString(),
        ...(entry.clientId !== null && { client_id: entry.clientId }),
      });
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
    case 'message_edited':
    case 'message_deleted':
    case 'reaction_changed':
    case 'tokens_revoked':
    case 'user_changed':
    case 'user_created':
    case 'unknown':
      return;
    default:
      assertNever(entry);
  }
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
      const ws = new Client(`${url.replace(/^http/, 'ws')}${path}?after=0`, {
        headers: { authorization: `Bearer ${token}` },
      });
      ws.on('message', (data: Buffer) => {
        const frame = JSON.parse(data.toString()) as {
          type: string;
          messages: SeenMessage[];
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
