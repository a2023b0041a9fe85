import type { PageEntry } from '../../../chat/entries.js';
import { NO_REACTIONS, NO_USERS } from '../../loading.js';
import type { Known, MessageInChat, PageFor, Reacted, Users } from '../../read-store.js';
import type { MessageQueries } from './messages.js';
import type { Profiles } from './profiles.js';

/** Makes the query for what a page has beside its entries. */
export function surroundings(profiles: Profiles, messages: MessageQueries) {
  return (
    entries: readonly PageEntry[],
    userId: number,
    known: Known,
    { view, reacted }: PageFor,
  ): Pick<MessageInChat, 'users' | 'quotes' | 'own'> => ({
    users: authorsOf(entries, known, profiles),
    quotes: messages.quotes(entries),
    own: view === 'plain' ? NO_REACTIONS : messages.own(userId, [...reacted, ...reactedAmong(entries)]),
  });
}

/** The authors of the entries whom the caller does not know. */
function authorsOf(entries: readonly PageEntry[], known: Known, profiles: Profiles): Users {
  let strangers: Set<number> | undefined;
  let last = 0;
  const add = (authorId: number) => {
    if (authorId === last) return; // Authors often write several messages in a row.
    last = authorId;
    if (known.hasUser(authorId)) return;
    strangers ??= new Set();
    strangers.add(authorId);
  };
  for (const entry of entries) {
    add(entry.authorId);
    const { authorId, extra } = entry.kind === 'message' ? entry : entry.message;
    add(authorId);
    if (extra?.deletedBy !== undefined) add(extra.deletedBy);
  }
  return strangers === undefined ? NO_USERS : profiles.users(strangers);
}

function reactedAmong(entries: readonly PageEntry[]): Reacted[] {
  const reacted: Reacted[] = [];
  for (const entry of entries) {
    const { id, extra } = entry.kind === 'message' ? entry : entry.message;
    if (extra?.reactions !== undefined) reacted.push({ messageId: id, reactions: extra.reactions });
  }
  return reacted;
}
