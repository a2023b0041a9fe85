import { textOf } from '../targets/population.js';
import { runProcess } from './process.js';

/** One message in so many is of the big chat. */
const BIG_EVERY = 10;
const SMALL_CHATS = 999;
/** Chats take turns in another order each time round; 571 is the inverse of 7 modulo their number. */
const STEP = 7;
const STEP_INVERSE = 571;
const SHIFT = 13;

export const BIG_CHAT = 1;
/** Ids are 1 … 1000: the big one, and those that share the other messages. User 1 is in all of them. */
export const HISTORY_CHATS = 1 + SMALL_CHATS;
export const HISTORY_TEXT = textOf(0);

/** The plan of the process that writes the history. It travels as JSON. */
export interface HistoryPlan {
  /** It holds the chats already. */
  readonly dataDir: string;
  readonly messages: number;
}

/** What was written, as far as one needs to know to find any of it. */
export interface History {
  readonly messages: number;
  /** The id of the first message. */
  readonly firstId: number;
}

/** Writes so many messages into the chats of a data folder, past the ledger, in a process of its own. */
export function writeHistory(plan: HistoryPlan): Promise<History> {
  return runProcess('history-process', plan);
}

/** SQL for the chat, and the number within it, of the message `i` = 0, 1, 2, …; `idOf` is its inverse. */
export const HISTORY_SQL = {
  isBig: `i % ${BIG_EVERY} = 0`,
  small: `(i - i / ${BIG_EVERY} - 1)`,
  numberOfBig: `i / ${BIG_EVERY} + 1`,
  get smallChat() {
    const { small } = this;
    return `2 + (${small} % ${SMALL_CHATS} * ${STEP} + ${small} / ${SMALL_CHATS} * ${SHIFT}) % ${SMALL_CHATS}`;
  },
  get numberOfSmall() {
    return `${this.small} / ${SMALL_CHATS} + 1`;
  },
};

/** Messages of a chat. */
export function countIn(chat: number, history: History): number {
  const { messages, firstId } = history;
  const big = Math.ceil(messages / BIG_EVERY);
  if (chat === BIG_CHAT) return big;
  const rounds = Math.floor((messages - big) / SMALL_CHATS);
  return idOf(chat, rounds + 1, history) < firstId + messages ? rounds + 1 : rounds;
}

/** The id of a chat's message with this number. */
export function idOf(chat: number, number: number, { firstId }: History): number {
  const round = number - 1;
  if (chat === BIG_CHAT) return firstId + round * BIG_EVERY;
  const turn = chat - 2 + SMALL_CHATS - ((round * SHIFT) % SMALL_CHATS);
  const small = round * SMALL_CHATS + ((turn * STEP_INVERSE) % SMALL_CHATS);
  return firstId + Math.floor(small / (BIG_EVERY - 1)) * BIG_EVERY + (small % (BIG_EVERY - 1)) + 1;
}
