import { changeJson, duplicateJson, madeBeforeJson } from '../../api/encode.js';
import type { ChangeFrame, MessageFrame } from '../../api/frames.js';
import type { Outcome, Post, Submit } from '../../chat/commands.js';
import { ChatError } from '../../chat/errors.js';
import { isDeleted } from '../../chat/messages.js';
import type { Caller } from '../../chat/users.js';
import { chainLoaded } from '../../store/loading.js';
import { type MessageInChat, reactionKey } from '../../store/read-store.js';
import type { Hub } from '../hub/hub.js';
import type { Socket } from '../hub/sockets.js';
import type { Admission } from '../limits/admission.js';

export interface MessageFramesOptions {
  readonly hub: Hub;
  readonly admission: Admission;
  readonly post: Post;
  readonly submit: Submit;
  /** Sends the refusal of a good frame, and ends the socket of a user who goes on in spite of a limit. */
  readonly refuse: (socket: Socket, caller: Caller, error: unknown, clientId: string | undefined) => void;
}

/**
 * Hands messages and changes of messages to the ledger. The echo, which comes with the log, is the acknowledgement; all
 * other outcomes are answered here.
 */
export class MessageFrames {
  readonly #options: MessageFramesOptions;

  constructor(options: MessageFramesOptions) {
    this.#options = options;
  }

  post(socket: Socket, chatId: number, caller: Caller, frame: MessageFrame): void {
    const { userId } = socket;
    const { text, client_id: clientId, reply_to: replyTo, mentions } = frame;
    if (!this.#admit(socket, caller, clientId)) return;
    this.#options.post({ chatId, authorId: userId, text, clientId, replyTo, mentions }, (outcome) => {
      if (!this.#isDone(socket, caller, outcome, clientId)) return;
      if ('ok' in outcome && 'duplicate' in outcome.ok)
        void this.#answer(socket, caller, clientId, outcome.ok.id, (found) => this.#sentBefore(found));
      else socket.unanswered -= 1;
    });
  }

  async change(socket: Socket, chatId: number, caller: Caller, frame: ChangeFrame): Promise<void> {
    const { client_id: clientId, message_id: messageId } = frame;
    if (!this.#admit(socket, caller, clientId)) return;
    const outcome = await this.#submit(socket, chatId, frame);
    if (!this.#isDone(socket, caller, outcome, clientId)) return;
    // A socket that was not live yet, or is not any more, gets the state of the message alone.
    if ('ok' in outcome && (outcome.ok.duplicate || socket.state !== 'live'))
      await this.#answer(socket, caller, clientId, messageId, (found) =>
        this.#madeBefore(socket, frame, found),
      );
    else socket.unanswered -= 1;
  }

  async #submit(socket: Socket, chatId: number, frame: ChangeFrame): Promise<Outcome<'edit_message'>> {
    const { submit } = this.#options;
    const { client_id: clientId, message_id: messageId } = frame;
    const target = { actor: socket.userId, chatId, messageId, clientId };
    try {
      switch (frame.type) {
        case 'edit':
          return { ok: await submit('edit_message', { ...target, text: frame.text }) };
        case 'delete':
          return { ok: await submit('delete_message', target) };
        case 'react':
          return { ok: await submit('react', { ...target, emoji: frame.emoji, isOn: frame.on }) };
      }
    } catch (error) {
      const { code, details } = error instanceof ChatError ? error : new ChatError('internal');
      return { error: code, details };
    }
  }

  #admit(socket: Socket, caller: Caller, clientId: string | undefined): boolean {
    const refusal = this.#options.admission.admitMessage(caller);
    if (refusal === undefined) socket.unanswered += 1;
    else this.#options.refuse(socket, caller, refusal, clientId);
    return refusal === undefined;
  }

  /** Whether the ledger has done it; the refusal is sent otherwise. */
  #isDone(socket: Socket, caller: Caller, outcome: Outcome, clientId: string | undefined): boolean {
    this.#options.admission.messageSettled(caller, outcome);
    if ('ok' in outcome) return true;
    socket.unanswered -= 1;
    const { error, details } = outcome;
    this.#options.refuse(socket, caller, new ChatError(error, { details }), clientId);
    return false;
  }

  /** Answers what was done before on the asking socket alone, with the message as it is now. */
  async #answer(
    socket: Socket,
    caller: Caller,
    clientId: string | undefined,
    messageId: number,
    encode: (found: MessageInChat) => string,
  ): Promise<void> {
    const { hub, refuse } = this.#options;
    const { store, caches, follower } = hub;
    const { userId } = socket;
    try {
      await follower.read(
        // Its name is in the answer to a reaction.
        () => chainLoaded(hub.loadProfile(userId), () => store.messageFor(messageId, userId, caches)),
        (found) => {
          if (found === undefined) throw new ChatError('message_not_found');
          caches.add({ users: found.users }, follower.position);
          socket.send(encode(found));
        },
      );
    } catch (error) {
      refuse(socket, caller, error, clientId);
    } finally {
      socket.unanswered -= 1;
    }
  }

  /** The first message, as it is now. Errors: message_not_found. */
  #sentBefore({ message, quotes }: MessageInChat): string {
    const { authorId, extra } = message;
    if (isDeleted(message)) throw new ChatError('message_not_found'); // It was deleted since the ledger found it.
    return duplicateJson(
      message,
      this.#options.hub.caches.nameJson(authorId),
      quotes.get(extra?.replyTo ?? 0),
    );
  }

  /** Tells of a change that was made before, as the message is now. Errors: message_not_found. */
  #madeBefore({ userId }: Socket, frame: ChangeFrame, { message, own }: MessageInChat): string {
    const { id, chatId, authorId, text, time, extra } = message;
    const {
      version = 1,
      editedAt = time,
      deletedAt = time,
      deletedBy = authorId,
      reactions = [],
    } = extra ?? {};
    const of = { id: extra?.changeId ?? id, chatId, messageId: id, clientId: frame.client_id ?? null };
    const name = (user: number) => this.#options.hub.caches.nameJson(user);
    if (frame.type === 'delete') {
      const deleted = { ...of, kind: 'message_deleted', authorId: deletedBy, time: deletedAt } as const;
      return madeBeforeJson(changeJson(deleted, name(deletedBy)));
    }
    if (isDeleted(message)) throw new ChatError('message_not_found');
    if (frame.type === 'edit') {
      const edited = { ...of, kind: 'message_edited', authorId, text, version, time: editedAt } as const;
      return madeBeforeJson(changeJson(edited, name(authorId)));
    }
    const { emoji } = frame;
    const isOn = own.has(reactionKey(id, emoji)); // It may have been taken back since.
    const count = reactions.find((reaction) => reaction.emoji === emoji)?.count ?? 0;
    const reacted = { ...of, kind: 'reaction_changed', authorId: userId, emoji, isOn, count, time } as const;
    return madeBeforeJson(changeJson(reacted, name(userId)));
  }
}
