import type { Command, Outcome } from '../../src/chat/commands.js';
import type { PageEntry } from '../../src/chat/entries.js';
import type { Message, MessageExtra, View } from '../../src/chat/messages.js';
import { reactionKey } from '../../src/store/read-store.js';

/** What users 1 and 2 do in a group that user 1 owns. `of` is the place of a message among all that were sent. */
export type Deed =
  | { readonly does: 'post'; readonly by: 1 | 2; readonly replyTo: number | undefined }
  | { readonly does: 'edit'; readonly of: number; readonly text: string }
  | { readonly does: 'delete'; readonly of: number; readonly byOwner: boolean }
  | {
      readonly does: 'react';
      readonly of: number;
      readonly by: 1 | 2;
      readonly emoji: string;
      readonly on: boolean;
    }
  | { readonly does: 'rename' }
  | { readonly does: 'reopen' }
  | { readonly does: 'purge' };

interface Sent {
  readonly id: number;
  readonly authorId: number;
  readonly time: number;
  text: string;
  extra: MessageExtra;
  /** Who reacted, as `reactionKey` gives it, by user. */
  readonly own: ReadonlyMap<number, Set<string>>;
  change: { readonly id: number; readonly authorId: number; readonly time: number } | undefined;
}

/** A chat as a list of messages, by the rules and without a database. */
export class ChatModel {
  readonly chatId: number;
  readonly #sent: Sent[] = [];

  constructor(chatId: number) {
    this.chatId = chatId;
  }

  /** The command of a deed, and what its outcome means; undefined where the deed is nothing for the store. */
  commandOf(deed: Deed, now: number): { command: Command; done: (outcome: Outcome) => void } | undefined {
    const { chatId } = this;
    switch (deed.does) {
      case 'post': {
        const answered = deed.replyTo === undefined ? undefined : this.#at(deed.replyTo);
        const replyTo = answered?.extra.deletedAt === undefined ? answered?.id : undefined;
        const text = `text ${this.#sent.length}`;
        const command = { kind: 'post_message', chatId, authorId: deed.by, text, replyTo } as const;
        return { command, done: (outcome) => this.#posted(idOf(outcome), deed.by, text, now, replyTo) };
      }
      case 'edit': {
        const sent = this.#at(deed.of);
        if (sent === undefined) return undefined;
        const actor = sent.authorId;
        const command = { kind: 'edit_message', actor, messageId: sent.id, text: deed.text } as const;
        return { command, done: (outcome) => this.#edited(sent, outcome, deed.text, now) };
      }
      case 'delete': {
        const sent = this.#at(deed.of);
        if (sent === undefined) return undefined;
        const actor = deed.byOwner ? 1 : sent.authorId;
        const command = { kind: 'delete_message', actor, messageId: sent.id } as const;
        return { command, done: (outcome) => this.#deleted(sent, outcome, actor, now) };
      }
      case 'react': {
        const sent = this.#at(deed.of);
        if (sent === undefined) return undefined;
        const { by: actor, emoji, on: isOn } = deed;
        const command = { kind: 'react', actor, messageId: sent.id, emoji, isOn } as const;
        return { command, done: (outcome) => this.#reacted(sent, outcome, actor, emoji, isOn, now) };
      }
      default:
        return undefined;
    }
  }

  get length(): number {
    return this.#sent.length;
  }

  /** The newest messages that `offset` others come after, oldest first. */
  newest(view: View, offset: number, max: number): Message[] {
    const live = this.#sent.filter(({ extra }) => extra.deletedAt === undefined);
    const top = offset === 0 ? this.#sent.length : this.#sent.indexOf(live.at(-1 - offset) as Sent) + 1;
    const up = this.#sent.slice(0, top).filter((sent) => view === 'full' || live.includes(sent));
    return up.slice(Math.max(0, up.length - max)).map((sent) => this.#message(sent));
  }

  /** Everything after an id: messages as they are now, and those of before that changed since. */
  after(view: View, id: number): PageEntry[] {
    const entries: PageEntry[] = [];
    for (const sent of this.#sent) {
      const message = this.#message(sent);
      const isShown = view === 'full' || sent.extra.deletedAt === undefined;
      if (sent.id > id && isShown) entries.push(message);
      if (view === 'full' && sent.change !== undefined && sent.change.id > id)
        entries.push({ kind: 'message_changed', chatId: this.chatId, ...sent.change, message });
    }
    return entries.sort((a, b) => a.id - b.id);
  }

  /** The user's own reactions to these messages. */
  own(userId: number, messages: readonly Message[]): Set<string> {
    const ids = new Set(messages.map(({ id }) => id));
    const asked = this.#sent.filter(({ id }) => ids.has(id));
    return new Set(asked.flatMap(({ own }) => [...(own.get(userId) ?? [])]));
  }

  /** The texts that these messages quote, by their ids. */
  quotes(messages: readonly Message[]): Map<number, string> {
    const asked = new Set(messages.map(({ extra }) => extra?.replyTo));
    const quoted = this.#sent.filter(({ id, extra }) => asked.has(id) && extra.deletedAt === undefined);
    return new Map(quoted.map(({ id, text }) => [id, text]));
  }

  #at(place: number): Sent | undefined {
    return this.#sent[place % Math.max(1, this.#sent.length)];
  }

  #message({ id, authorId, text, time, extra }: Sent): Message {
    const message = {
      kind: 'message',
      id,
      chatId: this.chatId,
      authorId,
      text,
      time,
      clientId: null,
    } as const;
    return Object.keys(extra).length === 0 ? message : { ...message, extra };
  }

  #posted(id: number, authorId: number, text: string, time: number, replyTo: number | undefined): void {
    const own = new Map([1, 2].map((user) => [user, new Set<string>()]));
    const extra = replyTo === undefined ? {} : { replyTo };
    this.#sent.push({ id, authorId, text, time, extra, own, change: undefined });
  }

  #edited(sent: Sent, outcome: Outcome, text: string, now: number): void {
    if (sent.extra.deletedAt !== undefined) return expectRefused(outcome);
    if (sent.text === text) return expectDuplicate(outcome);
    sent.text = text;
    const version = (sent.extra.version ?? 1) + 1;
    this.#changed(sent, outcome, sent.authorId, now, { ...sent.extra, version, editedAt: now });
  }

  #deleted(sent: Sent, outcome: Outcome, actor: number, now: number): void {
    if (sent.extra.deletedAt !== undefined) return expectDuplicate(outcome);
    sent.text = '';
    for (const keys of sent.own.values()) keys.clear();
    this.#changed(sent, outcome, actor, now, { deletedAt: now, deletedBy: actor });
  }

  #reacted(sent: Sent, outcome: Outcome, actor: number, emoji: string, isOn: boolean, now: number): void {
    if (sent.extra.deletedAt !== undefined) return expectRefused(outcome);
    const own = sent.own.get(actor);
    const key = reactionKey(sent.id, emoji);
    if (own === undefined || own.has(key) === isOn) return expectDuplicate(outcome);
    if (isOn) own.add(key);
    else own.delete(key);
    const order = (sent.extra.reactions ?? []).map((reaction) => reaction.emoji);
    const reactions = [...new Set([...order, emoji])]
      .map((each) => ({
        emoji: each,
        count: [...sent.own.values()].filter((keys) => keys.has(reactionKey(sent.id, each))).length,
      }))
      .filter(({ count }) => count > 0);
    this.#changed(sent, outcome, actor, now, { ...sent.extra, reactions });
  }

  #changed(sent: Sent, outcome: Outcome, authorId: number, time: number, extra: MessageExtra): void {
    const changeId = changeIdOf(outcome);
    sent.change = { id: changeId, authorId, time };
    sent.extra = { ...extra, changeId };
  }
}

function idOf(outcome: Outcome): number {
  if ('error' in outcome) throw new Error(outcome.error);
  return (outcome.ok as { id: number }).id;
}

function changeIdOf(outcome: Outcome): number {
  if ('error' in outcome) throw new Error(outcome.error);
  if ('duplicate' in outcome.ok) throw new Error('taken for a repeat');
  return (outcome.ok as { changeId: number }).changeId;
}

function expectDuplicate(outcome: Outcome): void {
  if ('error' in outcome || !('duplicate' in outcome.ok))
    throw new Error(`no repeat: ${JSON.stringify(outcome)}`);
}

function expectRefused(outcome: Outcome): void {
  if (!('error' in outcome) || outcome.error !== 'message_not_found')
    throw new Error(`not refused: ${JSON.stringify(outcome)}`);
}
