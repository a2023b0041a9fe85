import type { CommandName, Commands } from '../../../chat/commands.js';
import type { RateLimiter } from '../../../chat/rate-limiter.js';
import type { Connection } from '../database.js';
import type { Profiles } from '../read/profiles.js';
import type { appender, superseder } from './append.js';
import type { ChatWriteCache } from './chat-write-cache.js';

/** What the writers of one connection share. */
export interface WriterContext {
  readonly db: Connection;
  readonly profiles: Profiles;
  readonly append: ReturnType<typeof appender>;
  readonly supersede: ReturnType<typeof superseder>;
  readonly writeCache: ChatWriteCache;
  readonly nextId: (sequence: 'user' | 'chat') => number;
  /** Whether new messages are refused in this commit. */
  readonly overloaded: () => boolean;
  /** Limits each author's messages. */
  readonly rate: RateLimiter<number>;
  /** 0: no limit. */
  readonly groupMembersMax: number;
  /** In larger groups nobody is shown who has read; 0: no limit. */
  readonly typingMembersMax: number;
  /** How long after it was sent a message may be edited; 0: no limit. */
  readonly editSecondsMax: number;
}

/** Carries out one kind of command within the ledger's transaction. Throws a ChatError to refuse it. */
export type Writer<K extends CommandName> = (command: Commands[K]['do'], now: number) => Commands[K]['ok'];
export type Writers<K extends CommandName = CommandName> = { readonly [P in K]: Writer<P> };
