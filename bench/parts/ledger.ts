import type { Command } from '../../src/chat/commands.js';
import { NUMBER_DIGITS } from '../load/dialects.js';
import { textOf } from '../targets/population.js';
import { runProcess } from './process.js';

const USERS = 2000;
const TEXT = textOf(0);

/** The plan of the ledger's process. It travels as JSON. */
export interface LedgerPlan {
  /** Holds chats 1 … `chats`, with the members that `membersOf` says. */
  readonly dataDir: string;
  readonly chats: number;
  /** The number of messages in each batch, and in each transaction. */
  readonly batch: number;
  readonly durationMs: number;
}

/** What it took to apply them. */
export interface LedgerFound {
  readonly messages: number;
  readonly seconds: number;
  /** Processor time of the process meanwhile, its checkpoints included. */
  readonly processorSeconds: number;
}

/** Measures the ledger alone: batches of new messages, one after the other, in a process that does nothing else. */
export function runLedger(plan: LedgerPlan): Promise<LedgerFound> {
  return runProcess('ledger-process', plan);
}

export const LEDGER_USERS = USERS;

/** The two users in the chat of this index; its id is one more. */
export function membersOf(index: number): [number, number] {
  return [(index % USERS) + 1, ((index + 7) % USERS) + 1];
}

/** The message of this number: each is in another chat than those before it, over all chats. */
export function messageOf(number: number, chats: number): Command {
  const index = (number * 7919) % chats;
  return {
    kind: 'post_message',
    chatId: index + 1,
    authorId: membersOf(index)[Math.floor(number / chats) % 2] ?? 0,
    text: TEXT,
    clientId: String(number).padStart(NUMBER_DIGITS, '0'),
  };
}
