import { type CheckResult, check } from '../../src/prove/checker/checker.js';
import { type LoggedChange, StoredLog } from '../../src/prove/checker/stored-log.js';
import type { Violation } from '../../src/prove/checker/verdict.js';
import { Event } from '../../src/prove/history.js';
import {
  fingerprint,
  reactionsWord,
  type SeenMessage,
  type SeenReaction,
  type SeenTombstone,
} from '../../src/prove/message.js';
import { hashOf } from '../../src/prove/random.js';

export const [ALICE, BOB, CARL] = [1, 2, 3];
export const CHAT = 10;
export const GROUP = 20;

/** 👍 as a history has it. */
export const LIKE = '%F0%9F%91%8D';

/** What a message became. */
export interface Now {
  readonly text?: string;
  readonly version?: number;
  readonly isDeleted?: boolean;
  /** How many reacted with 👍, and whether the reader is one of them. */
  readonly reactions?: readonly (readonly [count: number, me: boolean])[];
  readonly changeId?: number;
}

function seen([count, me]: readonly [number, boolean]): SeenReaction {
  return { emoji: '👍', count, me };
}

/** A small run that is told event by event, and the log that goes with it. */
export class Story {
  readonly log: StoredLog;
  readonly #lines: string[][] = [];
  readonly #messages = new Map<number, SeenMessage>();

  constructor({ readsDatabase = true } = {}) {
    this.log = new StoredLog({ hasChanges: readsDatabase });
    this.tell(Event.chat, CHAT, ALICE, BOB);
    this.tell(Event.chat, GROUP, ALICE, BOB, CARL);
    this.log.changes?.push({ id: 1, chatId: GROUP, kind: 'added', users: [ALICE, BOB, CARL] });
  }

  tell(event: string, ...fields: (string | number)[]): this {
    this.#lines.push([event, ...fields.map(String)]);
    return this;
  }

  /** A session begins to connect and opens; its history has yet to come. It has a reader of its own, unless one is given. */
  connects(
    session: number,
    user: number,
    chat: number,
    how: 'after' | 'limit' = 'after',
    value = 0,
    { view = 'plain', reader = session } = {},
  ): this {
    return this.tell(Event.connecting, session, user, chat, how, value, reader, view).tell(
      Event.open,
      session,
    );
  }

  sends(session: number, key: string, replyTo = 0): this {
    return this.tell(Event.sent, session, key, hashOf(`${key} hello`), replyTo);
  }

  /** A message is stored; ids must be told in their order within a chat. `now` is what it has become in the end. */
  stores(
    id: number,
    key: string,
    { author = ALICE, chat = CHAT, text = 'hello', replyTo = 0, now = {} as Now } = {},
  ): this {
    const message = this.#message(id, key, author, chat, text);
    this.#messages.set(id, message);
    const { text: newText, reactions = [], isDeleted, version, changeId } = now;
    const { text: first, ...head } = message;
    const answer = replyTo === 0 ? {} : { reply_to: replyTo };
    const state = { ...(version !== undefined && { version }), reactions: reactions.map(seen) };
    const stored: SeenMessage | SeenTombstone =
      isDeleted === true
        ? { ...head, deleted: true }
        : { ...message, ...answer, ...state, text: newText === undefined ? first : `${key} ${newText}` };
    this.log.add(stored, changeId);
    return this;
  }

  sees(session: number, id: number, text?: string): this {
    const message = this.#messages.get(id) ?? this.#message(id, 's9-9', ALICE, CHAT, 'hello');
    return this.tell(
      Event.delivered,
      session,
      id,
      fingerprint(message),
      hashOf(text ?? message.text),
      1,
      '-',
    );
  }

  /** The session is shown the message as it became. */
  seesNow(session: number, id: number, { text = 'hello', version = 1, reactions = [] }: Now): this {
    const message = this.#messages.get(id) ?? this.#message(id, 's9-9', ALICE, CHAT, 'hello');
    const hash = hashOf(`${message.client_id} ${text}`);
    const word = reactionsWord(reactions.map(seen));
    return this.tell(Event.delivered, session, id, fingerprint(message), hash, version, word);
  }

  seesPlaceOf(session: number, id: number): this {
    const message = this.#messages.get(id) ?? this.#message(id, 's9-9', ALICE, CHAT, 'hello');
    return this.tell(Event.tombstone, session, id, fingerprint(message));
  }

  /** The message is edited by the change with this id; its text begins with the message's key. */
  edits(session: number, key: string, id: number, messageKey: string, text: string): this {
    return this.tell(Event.changing, session, key, id, 'edit', hashOf(`${messageKey} ${text}`));
  }

  deletes(session: number, key: string, id: number): this {
    return this.tell(Event.changing, session, key, id, 'delete', '-');
  }

  reacts(session: number, key: string, id: number, isOn = true): this {
    return this.tell(Event.changing, session, key, id, 'react', `${LIKE}:${isOn ? 1 : 0}`);
  }

  changed(session: number, key: string): this {
    return this.tell(Event.changed, session, key);
  }

  /** The log has the change. It is what the message is in the end, unless told otherwise. */
  logs(
    id: number,
    messageId: number,
    hash: number | undefined,
    isIn: LoggedChange['isIn'] = () => true,
  ): this {
    this.log.messageChanges?.set(id, { id, messageId, hash, isIn });
    return this;
  }

  page(session: number, messages: number, more = false): this {
    return this.tell(Event.page, session, messages, more ? 1 : 0);
  }

  acknowledges(session: number, key: string, id: number): this {
    const message = this.#messages.get(id) ?? this.#message(id, key, ALICE, CHAT, 'hello');
    return this.tell(Event.acknowledged, session, key, id, fingerprint(message));
  }

  get checked(): CheckResult {
    return check(this.#lines, this.log);
  }

  /** The counts that are not 0. */
  get counts(): Partial<Record<Violation, number>> {
    const { counts } = this.checked.verdict;
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  }

  get lines(): readonly string[][] {
    return this.#lines;
  }

  #message(id: number, key: string, author: number, chat: number, text: string): SeenMessage {
    const time = new Date(id).toISOString();
    return { id, chat_id: chat, author: { id: author }, text: `${key} ${text}`, time, client_id: key };
  }
}

/** Alice (1) and Bob (2) are connected to the chat, and their histories are empty. */
export const together = () =>
  new Story().connects(1, ALICE, CHAT).page(1, 0).connects(2, BOB, CHAT).page(2, 0);
