import type { WebSocket } from 'ws';
import { EntryKind } from '../../chat/entries.js';
import { openReadStore } from '../../store/sqlite/read/read-store.js';
import type { SeenMessage } from '../message.js';
import { Log } from './log.js';

const PAGE_ENTRIES = 5000;
const PAGE_BYTES = 16 * 1024 * 1024;

/** The log of these chats as the database in `dataDir` has it; the server may be running. */
export function readDatabase(dataDir: string, chats: ReadonlySet<number>): Log {
  const log = new Log(true);
  const store = openReadStore(dataDir);
  try {
    let position = 0;
    for (let more = true; more; ) {
      const page = store.snapshot((view) => view.entriesAfter(position, PAGE_ENTRIES, PAGE_BYTES));
      for (const { id, chatId, kind, authorId, text, time, clientId, users } of page.entries) {
        position = id;
        if (!chats.has(chatId)) continue;
        if (kind === EntryKind.message) {
          log.add({
            id,
            chat_id: chatId,
            author: { id: authorId },
            text,
            time: new Date(time).toISOString(),
            ...(clientId !== null && { client_id: clientId }),
          });
        } else if (kind === EntryKind.groupCreated || kind === EntryKind.membersAdded) {
          log.changes?.push({ id, chatId, kind: 'added', users });
        } else if (kind === EntryKind.membersRemoved) {
          log.changes?.push({ id, chatId, kind: 'removed', users });
        }
      }
      more = page.more;
    }
  } finally {
    store.close();
  }
  return log;
}

/** The same without the database: the whole history of each chat as a member is shown it. */
export async function readHistories(
  Client: typeof WebSocket,
  url: string,
  readers: ReadonlyMap<number, { readonly path: string; readonly token: string }>,
): Promise<Log> {
  const log = new Log(false);
  for (const { path, token } of readers.values()) {
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
