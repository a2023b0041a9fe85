import { readFileSync } from 'node:fs';
import { createHistogram } from 'node:perf_hooks';
import type { Message } from '../../src/chat/messages.js';
import { Random } from '../../src/prove/random.js';
import { storage } from '../../src/storage.js';
import type { At, Known, PageBounds, ReadStore, Rooms } from '../../src/store/read-store.js';
import { percentiles, record } from '../load/latency.js';
import { BIG_CHAT, countIn, HISTORY_CHATS, type History, idOf } from './history.js';
import { answerPlan } from './process.js';
import type { Read, ReadsFound, ReadsPlan } from './reads.js';

const PAGE = 100;
const PAGE_BYTES = 4096;
const USER = 1;

/** Reads, and says whether it found what it should. */
type Request = (store: ReadStore) => boolean;

const BOUNDS: PageBounds = { max: PAGE, maxBytes: 1024 * 1024 };
/** Authors are not asked for; chats and their newest messages are. */
const KNOWN: Known = { hasUser: () => true, chat: () => undefined, newestMessage: () => undefined };

answerPlan<ReadsPlan, ReadsFound>(async ({ dataDir, history, read, requests, warmupRequests }) => {
  const store = storage.openReader(dataDir);
  const next = requestsOf(read, history);
  const latency = createHistogram();
  const make = () => {
    const request = next();
    const start = performance.now();
    const isRight = request(store);
    record(latency, performance.now() - start);
    if (!isRight) throw new Error(`${read}: not what was written`);
  };
  for (let made = 0; made < warmupRequests; made++) make();
  latency.reset();
  const before = bytesRead();
  for (let made = 0; made < requests; made++) make();
  const after = bytesRead();
  store.close();
  return {
    latency: percentiles(latency),
    pages: Math.floor((after.asked - before.asked) / PAGE_BYTES),
    diskBytes: after.disk - before.disk,
  };
});

function requestsOf(read: Read, history: History): () => Request {
  const random = new Random(1);
  /** Half of the requests go to the big chat, which has a tenth of all messages. */
  const someChat = () => (random.chance(0.5) ? BIG_CHAT : 1 + random.below(HISTORY_CHATS));
  /** True when the page has the chat's messages from the number `first` to the number `last`. */
  const isPage = (chat: number, first: number, last: number, messages: readonly { id: number }[]) =>
    messages.length === last - first + 1 &&
    messages[0]?.id === idOf(chat, first, history) &&
    messages.at(-1)?.id === idOf(chat, last, history);
  const before = (chat: number, offset: number): Request => {
    const last = countIn(chat, history) - offset;
    const first = Math.max(1, last - PAGE + 1);
    return (store) => {
      const { value } = store.newestFor(chat, USER, offset, BOUNDS, KNOWN) as At<
        { readonly messages: readonly Message[] } | undefined
      >;
      return isPage(chat, first, last, value?.messages ?? []);
    };
  };
  const after = (chat: number, number: number): Request => {
    const id = idOf(chat, number, history);
    const last = Math.min(number + PAGE, countIn(chat, history));
    return (store) => {
      const { value } = store.entriesFor(chat, USER, id, BOUNDS, KNOWN) as At<
        { readonly entries: readonly { id: number }[] } | undefined
      >;
      return isPage(chat, number + 1, last, value?.entries ?? []);
    };
  };
  const chatList: Request = (store) => {
    const { rooms } = (store.roomsOf(USER, KNOWN) as At<Rooms>).value;
    const isRight = (id: number, newest: number | undefined) =>
      newest === idOf(id, countIn(id, history), history);
    return rooms.length === HISTORY_CHATS && rooms.every(({ chat, newest }) => isRight(chat.id, newest?.id));
  };
  return () => {
    const chat = someChat();
    const index = random.below(Math.max(1, countIn(chat, history) - PAGE));
    if (read === 'history newest') return before(chat, 0);
    if (read === 'history offset') return before(chat, index);
    return read === 'history after' ? after(chat, index + 1) : chatList;
  };
}

/** The bytes that this process has asked the system for so far, and those of them that came from the disk. */
function bytesRead(): { asked: number; disk: number } {
  const io = readFileSync('/proc/self/io', 'utf8');
  const value = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1]);
  return { asked: value('rchar'), disk: value('read_bytes') };
}
