import { hashOf, type Random } from './random.js';

/** A message as frames carry it: what two observers of one id must agree on. */
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
/** Room for the key. */
const OTHER_CHARACTERS = 32;
const FILLER = 'to be said, "quoted", \\ and с кириллицей, 🙂 and\ttabs\nand lines; ';
/** Whole characters, so that none is cut in two. */
const FILLERS = [...FILLER.repeat(150)];

/**
 * Makes the texts of sends, of up to so many characters, or mostly short ones. Their first word is their key,
 * which no other send has: so a message is recognised also where it has no `client_id`.
 */
export function texts(charactersMax: number | undefined): (key: string, random: Random) => string {
  return (key, random) => {
    const isLong = charactersMax === undefined && random.chance(LONG_SHARE);
    const max = charactersMax ?? SHORT_CHARACTERS_MAX;
    const characters = isLong ? LONG_CHARACTERS : random.from(0, Math.max(0, max - OTHER_CHARACTERS));
    return `${key} ${FILLERS.slice(0, characters).join('')}.`;
  };
}

export function keyOf(text: string): string {
  const space = text.indexOf(' ');
  return space === -1 ? text : text.slice(0, space);
}

/** 32 bits of all that must be the same wherever a message is shown. */
export function fingerprint({ chat_id, author, text, time, client_id }: SeenMessage): number {
  return hashOf(`${chat_id} ${author.id} ${time} ${client_id ?? ''} ${text}`);
}
