import { readReactions } from '../message.js';
import type { ChatSession } from './chat-session.js';
import type { CheckContext } from './check-context.js';
import { changeHash, type LoggedChange, type StoredMessage } from './stored-log.js';

/** Checks the changes of messages that clients were shown: that everybody is shown the same, and what was asked for. */
export class ShownChanges {
  readonly #context: CheckContext;
  /** The hash of each change that the log does not have any more, as it was shown first. */
  readonly #first = new Map<number, number>();
  /** By message, the newest change that the log has. */
  readonly #newest = new Map<number, LoggedChange>();

  constructor(context: CheckContext) {
    this.#context = context;
    for (const change of context.log.messageChanges?.values() ?? [])
      this.#newest.set(change.messageId, change);
  }

  edited(session: ChatSession, fields: readonly string[]): void {
    const [id, messageId, version, textHash] = fields.map(Number);
    const reactions = fields[4] === undefined ? undefined : readReactions(fields[4]);
    if (id === undefined || version === undefined || textHash === undefined) return;
    const message = this.#messageOf(session, id, messageId);
    if (message === undefined) return;
    this.text(session, message, version, textHash);
    // With the reactions it is the message as it was then, whatever its newest change is.
    if (reactions === undefined) this.#compare(session, id, changeHash('edited', version, textHash));
    session.reader.edited(session, message.id, { version, reactions });
  }

  deleted(session: ChatSession, fields: readonly string[]): void {
    const [id, messageId] = fields.map(Number);
    const message = this.#messageOf(session, id, messageId);
    if (id === undefined || message === undefined) return;
    this.#compare(session, id, changeHash('deleted'));
    this.deletion(session, message);
  }

  reaction(session: ChatSession, fields: readonly string[]): void {
    const [id, messageId, user, , on, count] = fields.map(Number);
    const emoji = fields[3] ?? '';
    const message = this.#messageOf(session, id, messageId);
    if (id === undefined || user === undefined || count === undefined || message === undefined) return;
    const isOn = on === 1;
    const { asked, verdict } = this.#context;
    if (!asked.isReactionAsked(message.id, user, emoji, isOn))
      verdict.add('phantom', `${session.name} was shown the reaction ${id}, which ${user} never asked for`);
    this.#compare(session, id, changeHash('reaction', user, emoji, isOn ? 1 : 0, count));
    session.reader.reaction(message.id, { user, emoji: decodeURIComponent(emoji), isOn, count });
  }

  reactions(session: ChatSession, fields: readonly string[]): void {
    const [id, messageId] = fields.map(Number);
    const message = this.#messageOf(session, id, messageId);
    if (message !== undefined) session.reader.reactions(message.id, readReactions(fields[2] ?? '-'));
  }

  /** A session was shown this version of a message. */
  text({ name }: { readonly name: string }, message: StoredMessage, version: number, textHash: number): void {
    const expected = this.#context.asked.textHashOf(message, version);
    if (expected === textHash) return;
    const violation = expected === undefined ? 'phantom' : 'disagreeing';
    this.#context.verdict.add(
      violation,
      `${name} was shown another text as version ${version} of ${message.id}`,
    );
  }

  /** A session was shown that a message is deleted. */
  deletion({ name, reader }: ChatSession, { id }: StoredMessage): void {
    if (!this.#context.asked.isDeletionAsked(id))
      this.#context.verdict.add('phantom', `${name} was shown the deletion of ${id}, which nobody asked for`);
    reader.deleted(id);
  }

  /** A session was shown an answer to another message: `fields` are both of them, and what the quote begins with. */
  quoted(session: ChatSession, [, target, key, editKey]: readonly string[]): void {
    const { log, asked, verdict } = this.#context;
    const messageId = Number(target);
    const { name, beganAt } = session;
    if (key === '-') {
      if (!asked.isDeletionAsked(messageId))
        verdict.add('disagreeing', `${name} was shown no quote of ${messageId}, which is there`);
      return;
    }
    if (key !== log.message(messageId)?.key)
      return verdict.add('disagreeing', `${name} was shown ${key} as the quote of ${messageId}`);
    const version = editKey === '-' ? 1 : (asked.versionOf(messageId, editKey ?? '') ?? 0);
    if (asked.isDeletedBefore(messageId, beganAt) || version < asked.versionBefore(messageId, beganAt))
      verdict.add('stale', `${name} was shown version ${version} of ${messageId} as a quote`);
  }

  /** After the last event: checks that each message is as its newest change says. */
  finish(): void {
    const { log, verdict } = this.#context;
    if (log.messageChanges === undefined) return;
    for (const message of log.messages()) {
      const { changeId } = message.state;
      const newest = this.#newest.get(message.id);
      if (newest?.id !== changeId) {
        verdict.add(
          'disagreeing',
          `${message.id} says that ${changeId} changed it last, and the log ${newest?.id}`,
        );
        continue;
      }
      if (newest?.isIn(message) === false)
        verdict.add('disagreeing', `${message.id} is not as its newest change ${newest.id} says`);
    }
  }

  /** Finds the message that a change is about, if the session may be shown the change. */
  #messageOf(session: ChatSession, id = 0, messageId = 0): StoredMessage | undefined {
    const { log, verdict } = this.#context;
    const message = log.message(messageId);
    const logged = log.messageChanges?.get(id);
    if (message === undefined || message.chatId !== session.chatId) {
      verdict.add(
        'phantom',
        `${session.name} was shown the change ${id} of ${messageId}, which is not there`,
      );
      return undefined;
    }
    // Only a change that another one superseded is ever removed.
    const newest = message.state.changeId ?? 0;
    const isMissing = log.messageChanges !== undefined && logged === undefined && id >= newest;
    if (isMissing || (logged !== undefined && logged.messageId !== messageId))
      verdict.add(
        'phantom',
        `${session.name} was shown the change ${id} of ${messageId}, which is not stored`,
      );
    session.changed(id);
    return message;
  }

  /** Compares a change with the log, or with what was shown first. */
  #compare({ name }: ChatSession, id: number, hash: number): void {
    const { log, verdict } = this.#context;
    const logged = log.messageChanges?.get(id);
    const first = logged === undefined ? this.#first.get(id) : logged.hash;
    if (first === undefined) {
      if (logged === undefined) this.#first.set(id, hash);
    } else if (first !== hash) verdict.add('disagreeing', `${name} was shown another change ${id}`);
  }
}
