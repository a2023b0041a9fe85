import { Event } from '../history.js';
import { editKeyOf, fingerprint, keyOf, reactionsWord, type SeenMessage, type View } from '../message.js';
import { hashOf } from '../random.js';
import type { RunContext } from '../run-context.js';
import type { ChangeFrame, MessageFrame } from './connection.js';

/** Writes into the history what a client's socket is shown. */
export class FrameRecorder {
  readonly #context: RunContext;
  readonly #view: View;

  constructor(context: RunContext, view: View) {
    this.#context = context;
    this.#view = view;
  }

  message(session: number, frame: MessageFrame | ({ readonly type: 'last_message' } & SeenMessage)): void {
    const { history, tally } = this.#context;
    tally.delivered += 1;
    if (this.#view === 'plain' && (frame.deleted || frame.reactions !== undefined))
      history.add(Event.uninvited, session, frame.deleted ? 'tombstone' : 'reactions', frame.id);
    if (frame.deleted) return history.add(Event.tombstone, session, frame.id, fingerprint(frame));
    const { id, text, version = 1, reactions = [], reply_to: replyTo, quote } = frame;
    const word = reactionsWord(reactions);
    history.add(Event.delivered, session, id, fingerprint(frame), hashOf(text), version, word);
    // The newest message of a chat is shown without its quote on main.
    if (replyTo === undefined || frame.type === 'last_message') return;
    const quoted = quote === undefined ? ['-', '-'] : [keyOf(quote.text), editKeyOf(quote.text) ?? '-'];
    history.add(Event.quoted, session, id, replyTo, ...quoted);
  }

  change(session: number, frame: ChangeFrame): void {
    const { history, tally } = this.#context;
    const { type, id, message_id: messageId } = frame;
    tally.deliveredChanges += 1;
    if (this.#view === 'plain') return history.add(Event.uninvited, session, type, id);
    switch (frame.type) {
      case 'edited': {
        const reactions = frame.reactions === undefined ? [] : [reactionsWord(frame.reactions)];
        return history.add(
          Event.edited,
          session,
          id,
          messageId,
          frame.version,
          hashOf(frame.text),
          ...reactions,
        );
      }
      case 'deleted':
        return history.add(Event.deleted, session, id, messageId);
      case 'reaction': {
        const { author, on, count } = frame;
        const emoji = encodeURIComponent(frame.emoji);
        return history.add(Event.reaction, session, id, messageId, author.id, emoji, on ? 1 : 0, count);
      }
      case 'reactions':
        return history.add(Event.reactions, session, id, messageId, reactionsWord(frame.reactions));
    }
  }
}
