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
const FILLER = 'to be said, "quoted", \\ and с кириллицей, 🙂 and\ttabs\nand lines; ';
/** Whole characters, so that none is cut in two. */
const FILLERS = [...FILLER.repeat(40)];

/**
 * The text of a send. Its first word is its key, which no other send has: so a message is recognised also
 * where it has no `client_id`.
 */
export function textOf(key: string, random: Random): string {
  const characters = random.chance(LONG_SHARE) ? LONG_CHARACTERS : random.from(0, SHORT_CHARACTERS_MAX);
  return `${key} ${FILLERS.slice(0, characters).join('')}.`;
}

export function keyOf(text: string): string {
  const space = text.indexOf(' ');
  return space === -1 ? text : text.slice(0, space);
}

/** 32 bits of all that must be the same wherever a message is shown. */
export function fingerprint({ chat_id, author, text, time, client_id }: SeenMessage): number {
  return hashOf(`${chat_id} ${author.id} ${time} ${client_id ?? ''} ${text}`);
}
