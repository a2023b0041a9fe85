import { hashOf, type Random } from './random.js';

/** The emoji that the clients of a run react with. One of them is a sequence of several code points. */
export const EMOJI = ['👍', '❤️', '😂', '🏳️‍🌈'] as const;

/** How much a socket is told of a chat: messages alone, or changes of messages as well. */
export type View = 'plain' | 'full';

/** How many users reacted with an emoji, and whether the reader is one of them. */
export interface SeenReaction {
  readonly emoji: string;
  readonly count: number;
  readonly me: boolean;
}

/** A message as frames carry it. An edit changes its text, version and time of the edit; reactions change as well. */
export interface SeenMessage {
  readonly id: number;
  readonly chat_id: number;
  readonly author: { readonly id: number };
  readonly text: string;
  readonly time: string;
  readonly client_id?: string;
  readonly reply_to?: number;
  readonly quote?: { readonly text: string };
  /** Absent for the first text. */
  readonly version?: number;
  readonly reactions?: readonly SeenReaction[];
  readonly deleted?: false;
}

/** The place of a deleted message. */
export interface SeenTombstone extends Omit<SeenMessage, 'text' | 'deleted'> {
  readonly deleted: true;
}

const SHORT_CHARACTERS_MAX = 60;
const LONG_CHARACTERS = 1500;
const LONG_SHARE = 0.005;
/** This many characters of a text are left to its keys. */
const KEY_CHARACTERS = 32;
const FILLER = 'to be said, "quoted", \\ и с кириллицей, 🙂 and\ttabs\nand lines; ';
/** The filler is split into code points, so that no surrogate pair is cut in two. */
const FILLERS = [...FILLER.repeat(150)];
/** Stands before the key of an edit. */
const EDIT_MARK = '#';

/**
 * Makes the texts of messages, of up to `charactersMax` characters; when it is undefined, most are short and some
 * are long. A text begins with the key of its message, which no other message of the run has, so that a message is
 * recognised also where it has no `client_id`. The key of the edit follows, when the text is not the first one.
 */
export function textMaker(
  charactersMax: number | undefined,
): (key: string, random: Random, editKey?: string) => string {
  return (key, random, editKey) => {
    const isLong = charactersMax === undefined && random.chance(LONG_SHARE);
    const max = charactersMax ?? SHORT_CHARACTERS_MAX;
    const characters = isLong ? LONG_CHARACTERS : random.from(0, Math.max(0, max - KEY_CHARACTERS));
    const edit = editKey === undefined ? '' : `${EDIT_MARK}${editKey} `;
    return `${key} ${edit}${FILLERS.slice(0, characters).join('')}.`;
  };
}

/** The key of the message with this text. */
export function keyOf(text: string): string {
  return text.split(' ', 1)[0] ?? '';
}

/** The key of the edit that made this text; undefined for the first text of a message. */
export function editKeyOf(text: string): string | undefined {
  const second = text.split(' ', 2)[1] ?? '';
  return second.startsWith(EDIT_MARK) ? second.slice(EDIT_MARK.length) : undefined;
}

/** 32 bits of everything that stays the same wherever a message is shown, whatever is done to it. */
export function fingerprint({
  chat_id,
  author,
  time,
  client_id,
}: Omit<SeenMessage, 'text' | 'deleted'>): number {
  return hashOf(`${chat_id} ${author.id} ${time} ${client_id ?? ''}`);
}

/** Whether the code of a refusal says that it is about a message that is not there, as when somebody has deleted it. */
export function isGoneError(code: string): boolean {
  return code === 'message_not_found' || code === 'reply_unknown';
}

/** Reactions as one word of a history: each emoji with its count and a 1 when the reader is among them, or `-` for none. */
export function reactionsWord(reactions: readonly SeenReaction[]): string {
  if (reactions.length === 0) return '-';
  return reactions
    .map(({ emoji, count, me }) => `${encodeURIComponent(emoji)}:${count}:${me ? 1 : 0}`)
    .join(',');
}

export function readReactions(word: string): SeenReaction[] {
  if (word === '-') return [];
  return word.split(',').map((one) => {
    const [emoji = '', count, me] = one.split(':');
    return { emoji: decodeURIComponent(emoji), count: Number(count), me: me === '1' };
  });
}
