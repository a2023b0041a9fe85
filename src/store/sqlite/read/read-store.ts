import type { Chat } from '../../../chat/chats.js';
import type { PageEntry } from '../../../chat/entries.js';
import { NO_USERS } from '../../loading.js';
import type {
  At,
  ChatPage,
  Known,
  Lacks,
  LogPage,
  Members,
  MessageInChat,
  MessagePage,
  Page,
  PageBounds,
  PageFor,
  Place,
  PlacedMessages,
  Reactors,
  Reader,
  ReadStore,
  Replay,
  ReplayBounds,
  ReplayItem,
  Revocation,
  Room,
  RoomList,
  Rooms,
  Unread,
  Users,
} from '../../read-store.js';
import { type Connection, databaseIdOf, openReader, photoKeyOf } from '../database.js';
import { type EntryRow, entryOf } from '../entry-rows.js';
import { logReader } from './log.js';
import { messageQueries } from './messages.js';
import { profileQueries } from './profiles.js';
import { replayReader } from './replay.js';
import { SQL } from './sql.js';
import { surroundings } from './surroundings.js';

const PLAIN: PageFor = { view: 'plain', reacted: [] };
const FULL: PageFor = { view: 'full', reacted: [] };

/** Opens the read side of the database in `dataDir`, which the ledger has made. */
export function openReadStore(dataDir: string): SqliteReadStore {
  return new SqliteReadStore(openReader(dataDir));
}

/** Answers every question at once, in one transaction where the answer has a position. */
export class SqliteReadStore implements ReadStore {
  readonly databaseId: string;
  readonly photoKey: Buffer;
  readonly #db: Connection;
  readonly #profiles;
  readonly #messages;
  readonly #around;
  readonly #log;
  readonly #replay;
  readonly #sql;

  constructor(db: Connection) {
    this.#db = db;
    this.databaseId = databaseIdOf(db);
    this.photoKey = photoKeyOf(db);
    this.#profiles = profileQueries(db);
    this.#messages = messageQueries(db);
    this.#around = surroundings(this.#profiles, this.#messages);
    this.#replay = replayReader(db, this.#profiles, this.#messages);
    this.#log = logReader(db, this.#profiles, this.#messages);
    this.#sql = {
      begin: db.prepare('BEGIN'),
      end: db.prepare('COMMIT'),
      incarnation: db.prepare<[string], number>('SELECT 1 FROM incarnation WHERE id = ?').pluck(),
      entry: db.prepare<[number], EntryRow>(SQL.entry).raw(),
      revocations: db.prepare<[], Revocation>('SELECT claim, before FROM revocation'),
      members: db.prepare<[number], { id: number; name: string }>(
        'SELECT u.id, u.name FROM member m JOIN user u ON u.id = m.user_id WHERE m.chat_id = ? ORDER BY m.user_id',
      ),
      chatsOf: db.prepare<[number], number>(SQL.chatsOf).pluck(),
      readId: db.prepare<[number, number], number>(SQL.readId).pluck(),
      reader: db.prepare<[number, number], Reader>(SQL.reader),
      readers: db.prepare<[number, number], Reader>(SQL.readers),
      groupsOf: db.prepare<[number], number>(SQL.groupsOf).pluck(),
    };
  }

  hasIncarnation(incarnation: string): boolean {
    return this.#sql.incarnation.get(incarnation) !== undefined;
  }

  newest(): number {
    return this.#log.newest();
  }

  timeOf(id: number): At<number | null | undefined> {
    return this.#at(() => this.#log.timeOf(id));
  }

  log(after: number, bounds: PageBounds, lacks: Lacks): LogPage {
    return this.#log.log(after, bounds, lacks);
  }

  user(id: number) {
    return this.#at(() => this.#profiles.user(id));
  }

  users(ids: readonly number[]): At<Users> {
    return this.#at(() => this.#profiles.users(ids));
  }

  userOfSubject(subject: string): At<number | undefined> {
    return this.#at(() => this.#profiles.userOfSubject(subject));
  }

  revocations(): At<readonly Revocation[]> {
    return this.#at(() => this.#sql.revocations.all());
  }

  chatFor(chatId: number, userId: number): At<Chat | undefined> {
    return this.#at(() => this.#profiles.chatFor(chatId, userId));
  }

  membersFor(chatId: number, userId: number): At<Members | undefined> {
    return this.#at(() => {
      const chat = this.#profiles.chatFor(chatId, userId);
      return chat && { chat, members: this.#sql.members.all(chatId) };
    });
  }

  roomsOf(userId: number, known: Known, only?: readonly number[]): At<Rooms> {
    return this.#at(() => {
      const ids = only === undefined ? this.#sql.chatsOf.all(userId) : this.#membershipsOf(userId, only);
      return this.#rooms(ids, known);
    });
  }

  listOf(userId: number, known: Known, page: Page): At<RoomList> {
    return this.#at(() => {
      const found = this.#rooms(this.#sql.chatsOf.all(userId), known);
      const rooms = page(found.rooms).map((room) => {
        const readId = this.#sql.readId.get(room.chat.id, userId) ?? 0;
        return { ...room, unread: this.#messages.unread(room.chat.id, userId, readId, room.newest?.id ?? 0) };
      });
      return { ...found, rooms };
    });
  }

  unreadFor(chatId: number, userId: number): At<Unread | undefined> {
    return this.#at(() => {
      if (!this.#profiles.isMember(chatId, userId)) return undefined;
      const readId = this.#sql.readId.get(chatId, userId) ?? 0;
      return this.#messages.unread(chatId, userId, readId, this.#messages.newestId('plain', chatId));
    });
  }

  chatsCount(userId: number): At<number> {
    return this.#at(() => this.#sql.chatsOf.all(userId).length);
  }

  readersFor(chatId: number, userId: number, withOthers: boolean): At<readonly Reader[] | undefined> {
    return this.#at(() => {
      if (!this.#profiles.isMember(chatId, userId)) return undefined;
      return (withOthers ? this.#sql.readers : this.#sql.reader).all(chatId, userId);
    });
  }

  groupsOf(userId: number): At<readonly number[]> {
    return this.#at(() => this.#sql.groupsOf.all(userId));
  }

  memberFor(chatId: number, userId: number, after: number) {
    return this.#at(() => {
      const user = this.#profiles.isMember(chatId, userId) ? this.#profiles.user(userId) : undefined;
      return user && { user, wrote: this.#messages.hasMessageAfter(chatId, userId, after) };
    });
  }

  newestFor(
    chatId: number,
    userId: number,
    offset: number,
    bounds: PageBounds,
    known: Known,
    pageFor: PageFor = PLAIN,
  ): At<(MessagePage & { readonly chat: Chat }) | undefined> {
    return this.#at(() => {
      const chat = this.#profiles.chatFor(chatId, userId);
      if (chat === undefined) return undefined;
      const { messages, more } = this.#messages.messagesBefore(pageFor.view, chatId, offset, bounds);
      const readId = this.#readId(chatId, userId, pageFor);
      return { chat, messages, more, readId, ...this.#around(messages, userId, known, pageFor) };
    });
  }

  entriesFor(
    chatId: number,
    userId: number,
    after: number,
    bounds: PageBounds,
    known: Known,
    pageFor: PageFor = PLAIN,
  ): At<ChatPage | undefined> {
    return this.#at(() => {
      const chat = this.#profiles.chatFor(chatId, userId);
      if (chat === undefined) return undefined;
      const newest = this.#messages.newestId(pageFor.view, chatId);
      const isRead = bounds.max > 0 && newest > after;
      const page = isRead ? this.#messages.entriesAfter(pageFor.view, chatId, after, bounds) : undefined;
      const entries = page?.entries ?? [];
      const isWhole = page?.isWhole || newest <= (entries.at(-1)?.id ?? after);
      const readId = this.#readId(chatId, userId, pageFor);
      return { chat, entries, isWhole, newest, readId, ...this.#around(entries, userId, known, pageFor) };
    });
  }

  messagesAt(
    chatId: number,
    userId: number,
    place: Place,
    bounds: PageBounds,
    known: Known,
  ): At<PlacedMessages | undefined> {
    return this.#at(() => {
      const chat = this.#profiles.chatFor(chatId, userId);
      if (chat === undefined) return undefined;
      const page = this.#messages.messagesAt(chatId, place, bounds);
      return { chat, ...page, ...this.#around(page.messages, userId, known, FULL) };
    });
  }

  reactorsFor(
    messageId: number,
    userId: number,
    emoji: string,
    { limit, offset }: { readonly limit: number; readonly offset: number },
  ): At<Reactors | undefined> {
    return this.#at(() => {
      const found = this.#messageFor(messageId, userId);
      return found && { ...found, users: this.#messages.reactors(messageId, emoji, limit, offset) };
    });
  }

  messageFor(messageId: number, userId: number, known: Known): At<MessageInChat | undefined> {
    return this.#at(() => {
      const found = this.#messageFor(messageId, userId);
      return found && { ...found, ...this.#around([found.message], userId, known, FULL) };
    });
  }

  replayFor(
    userId: number,
    after: number,
    sent: ReadonlyMap<number, number>,
    bounds: ReplayBounds,
    known: Known,
  ): At<Replay> {
    return this.#at(() => {
      const { items, isWhole, groups, unread, ...page } = this.#replay(userId, after, sent, bounds);
      const last = isWhole ? this.#log.newest() : page.last;
      const entries = items.flatMap(entriesIn);
      const pairs = items.flatMap((item) => ('chat' in item ? (item.chat.pair ?? []) : []));
      const around = this.#around(entries, userId, known, { view: 'full', reacted: [] });
      const strangers = pairs.filter((user) => !known.hasUser(user) && !around.users.has(user));
      const users =
        strangers.length === 0
          ? around.users
          : new Map([...around.users, ...this.#profiles.users(strangers)]);
      return {
        items,
        isWhole,
        groups,
        unread,
        last,
        time: this.#log.timeOf(last) ?? undefined,
        ...around,
        users,
      };
    });
  }

  close(): void {
    this.#db.close();
  }

  /** Those of the chats that the user is in, in ascending order. */
  #membershipsOf(userId: number, chats: readonly number[]): number[] {
    return chats.filter((id) => this.#profiles.isMember(id, userId)).sort((a, b) => a - b);
  }

  #rooms(ids: readonly number[], known: Known): Rooms {
    const rooms: Room[] = [];
    const chats: Chat[] = [];
    const strangers = new Set<number>();
    for (const id of ids) {
      const knownChat = known.chat(id);
      const chat = knownChat ?? this.#profiles.chat(id);
      if (chat === undefined) continue;
      if (knownChat === undefined) chats.push(chat);
      const newest = known.newestMessage(id) ?? this.#messages.newestMessage(id);
      rooms.push({ chat, newest });
      for (const user of chat.pair ?? []) if (!known.hasUser(user)) strangers.add(user);
      if (newest !== undefined && !known.hasUser(newest.authorId)) strangers.add(newest.authorId);
    }
    return { rooms, chats, users: strangers.size === 0 ? NO_USERS : this.#profiles.users(strangers) };
  }

  #readId(chatId: number, userId: number, { view }: PageFor): number {
    return view === 'plain' ? 0 : (this.#sql.readId.get(chatId, userId) ?? 0);
  }

  #messageFor(messageId: number, userId: number): Pick<MessageInChat, 'chat' | 'message'> | undefined {
    const row = this.#sql.entry.get(messageId);
    const entry = row && entryOf(row);
    const message = entry?.kind === 'message' ? entry : undefined;
    // A stranger causes the same reads whether there is a message or not.
    const chat = this.#profiles.chatFor(message?.chatId ?? 0, userId);
    return message && chat && { chat, message };
  }

  /** Gives the answer and the log's end in one snapshot. */
  #at<T>(answer: () => T): At<T> {
    this.#sql.begin.run();
    try {
      return { value: answer(), position: this.#log.newest() };
    } finally {
      this.#sql.end.run();
    }
  }
}

function entriesIn(item: ReplayItem): readonly PageEntry[] {
  if (item.kind === 'entry') return [item.entry];
  return 'messages' in item ? item.messages : [];
}
