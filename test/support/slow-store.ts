import type { MaybePromise } from '../../src/maybe-promise.js';
import { Random } from '../../src/prove/random.js';
import type { ReadStore } from '../../src/store/read-store.js';
import { turns } from './wait.js';

const TURNS_MAX = 3;

/**
 * The same store, but each answer comes in a promise, some turns of the event loop after the question. Half of the
 * answers are as of the moment of the question, half are as of a later one, and they do not come in the order of the
 * questions. What was not read before `close` is refused.
 */
export function slowStore(read: ReadStore, seed = 'slow store'): ReadStore {
  const random = new Random(seed);
  let closed = false;

  async function late<T>(ask: () => MaybePromise<T>): Promise<T> {
    if (random.chance(0.5)) await turns(random.from(1, TURNS_MAX));
    if (closed) throw new Error('the store is closed');
    const answer = await ask();
    await turns(random.from(0, TURNS_MAX));
    return answer;
  }

  return {
    databaseId: read.databaseId,
    photoKey: read.photoKey,
    hasIncarnation: (...args) => late(() => read.hasIncarnation(...args)),
    newest: (...args) => late(() => read.newest(...args)),
    timeOf: (...args) => late(() => read.timeOf(...args)),
    log: (...args) => late(() => read.log(...args)),
    user: (...args) => late(() => read.user(...args)),
    users: (...args) => late(() => read.users(...args)),
    userOfSubject: (...args) => late(() => read.userOfSubject(...args)),
    revocations: (...args) => late(() => read.revocations(...args)),
    chatFor: (...args) => late(() => read.chatFor(...args)),
    membersFor: (...args) => late(() => read.membersFor(...args)),
    roomsOf: (...args) => late(() => read.roomsOf(...args)),
    unreadFor: (...args) => late(() => read.unreadFor(...args)),
    listOf: (...args) => late(() => read.listOf(...args)),
    chatsCount: (...args) => late(() => read.chatsCount(...args)),
    readersFor: (...args) => late(() => read.readersFor(...args)),
    replayFor: (...args) => late(() => read.replayFor(...args)),
    groupsOf: (...args) => late(() => read.groupsOf(...args)),
    memberFor: (...args) => late(() => read.memberFor(...args)),
    newestFor: (...args) => late(() => read.newestFor(...args)),
    entriesFor: (...args) => late(() => read.entriesFor(...args)),
    messagesAt: (...args) => late(() => read.messagesAt(...args)),
    messageFor: (...args) => late(() => read.messageFor(...args)),
    reactorsFor: (...args) => late(() => read.reactorsFor(...args)),
    close() {
      closed = true;
      read.close();
    },
  };
}
