import { hashOf, type Random } from './random.js';

/** A message as frames carry it. All who are shown the same id must agree on all of it. */
export interface SeenMessage {
  readonly id: number;
  readonly chat_id: number;
  readonly author: { readonly id: number };
  readonly text: string;
  readonly time: string;
  readonly client_id?: string;
}

const SHORT_CHARACTERS_MAX = 60;
const LONG_CHARACTERS = 1500;
const LONG_SHARE = 0.005;
/** This many characters of a text are left to its key. */
const KEY_CHARACTERS = 32;
const FILLER = 'to be said, "quoted", \\ and с кириллицей, 🙂 and\ttabs\nand lines; ';
/** The filler is split into code points, so that no surrogate pair is cut in two. */
const FILLERS = [...FILLER.repeat(150)];

/**
 * Makes the texts of messages, of up to `charactersMax` characters; when it is undefined, most are short and some
 * are long. A text begins with its key, which no other message of the run has, so that a message is recognised
 * also where it has no `client_id`.
 */
export function textMaker(charactersMax: number | undefined): (key: string, random: Random) => string {
  return (key, random) => {
    const isLong = charactersMax === undefined && random.chance(LONG_SHARE);
    const max = charactersMax ?? SHORT_CHARACTERS_MAX;
    const characters = isLong ? LONG_CHARACTERS : random.from(0, Math.max(0, max - KEY_CHARACTERS));
    return `${key} ${FILLERS.slice(0, characters).join('')}.`;
  };
}

/** The key of the message with this text. */
export function keyOf(text: string): string {
  const space = text.indexOf(' ');
  return space === -1 ? text : text.slice(0, space);
}

/** 32 bits of everything that must be the same wherever a message is shown. */
export function fingerprint({ chat_id, author, text, time, client_id }: SeenMessage): number {
  return hashOf(`${chat_id} ${author.id} ${time} ${client_id ?? ''} ${text}`);
}
