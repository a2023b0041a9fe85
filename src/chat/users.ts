import { z } from 'zod';
import { line, paragraph } from './text.js';

/** Users whose `sub` is not a number get ids from here up, so the two kinds never meet. */
export const MAPPED_USER_ID_MIN = 1_000_000_000_000;
const SUBJECT_CHARACTERS_MAX = 255;

/** Who a token speaks for: a user id at once, or a subject that a profile maps to one. */
export type Caller = { readonly id: number } | { readonly subject: string };

/**
 * The user id rule. An integer from 1 to 999 999 999 999, or its plain decimal string, is the id itself;
 * any other non-empty string up to 255 characters is a subject; everything else is nobody (undefined).
 */
export function callerOf(claim: unknown): Caller | undefined {
  if (typeof claim === 'number') {
    return Number.isInteger(claim) && claim > 0 && claim < MAPPED_USER_ID_MIN ? { id: claim } : undefined;
  }
  if (typeof claim !== 'string' || claim === '' || !claim.isWellFormed()) return undefined;
  if (/^[1-9]\d{0,11}$/.test(claim)) return { id: Number(claim) };
  return [...claim].length <= SUBJECT_CHARACTERS_MAX ? { subject: claim } : undefined;
}

/** The text that stands for a caller: two are the same when theirs are. `callerOf` makes the caller of it again. */
export function claimOf(caller: Caller): string {
  return 'id' in caller ? String(caller.id) : caller.subject;
}

export const NewProfile = z.object(
  { username: line(64), name: line(128), description: paragraph(1024).default('') },
  { error: 'must be an object' },
);
export type NewProfile = z.infer<typeof NewProfile>;

/** What a user changes; what is absent stays as it is. `photo` can only be taken away here: a new one is uploaded. */
export const ProfileChanges = z.object(
  {
    username: line(64).optional(),
    name: line(128).optional(),
    description: paragraph(1024).optional(),
    photo: z.null({ error: 'must be null, which removes it' }).optional(),
  },
  { error: 'must be an object' },
);
export type ProfileChanges = z.infer<typeof ProfileChanges>;

/** A stored profile. `photo` is the name of its file in the user's folder. */
export interface User {
  readonly id: number;
  readonly username: string;
  readonly name: string;
  readonly description: string;
  readonly photo: string | null;
}

/** What two usernames are compared by: NFKC, then lower case. */
export function usernameKey(username: string): string {
  return username.normalize('NFKC').toLowerCase();
}
