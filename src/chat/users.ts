import { z } from 'zod';
import { Description, line, Name } from './text.js';

/** Users whose `sub` is not a number get ids from here up, so the two kinds never meet. */
export const MAPPED_USER_ID_MIN = 1_000_000_000_000;
const SUBJECT_CHARACTERS_MAX = 255;
const USERNAME_CHARACTERS_MAX = 64;

/** Who a token speaks for: a user id at once, or a subject that a profile maps to one. */
export type Caller = { readonly id: number } | { readonly subject: string };

/**
 * Who a token's id claim names (the contract's "Who the caller is"). An integer from 1 to 999 999 999 999, or its
 * plain decimal string, is the user id itself. Any other non-empty string up to 255 characters is a subject.
 * Anything else is nobody: undefined.
 */
export function callerOf(claim: unknown): Caller | undefined {
  if (typeof claim === 'number') {
    return Number.isInteger(claim) && claim > 0 && claim < MAPPED_USER_ID_MIN ? { id: claim } : undefined;
  }
  if (typeof claim !== 'string' || claim === '' || !claim.isWellFormed()) return undefined;
  if (/^[1-9]\d{0,11}$/.test(claim)) return { id: Number(claim) };
  return [...claim].length <= SUBJECT_CHARACTERS_MAX ? { subject: claim } : undefined;
}

/** The text that stands for a caller. Callers with equal texts are the same, and `callerOf` reads the text back. */
export function claimOf(caller: Caller): string {
  return 'id' in caller ? String(caller.id) : caller.subject;
}

/** Usernames are unique by their keys (`usernameKey` of username-key.ts). */
export const Username = line(USERNAME_CHARACTERS_MAX);

export const NewProfile = z.object(
  { username: Username, name: Name, description: Description.default('') },
  { error: 'must be an object' },
);
export type NewProfile = z.infer<typeof NewProfile>;

/** What a user changes; what is absent stays as it is. `photo` can only be taken away here: a new one is uploaded. */
export const ProfileChanges = z.object(
  {
    username: Username.optional(),
    name: Name.optional(),
    description: Description.optional(),
    photo: z.null({ error: 'must be null, which removes it' }).optional(),
    read_receipts: z
      .boolean({ error: 'must be true or false' })
      .optional()
      .meta({ description: 'Whether other members are shown how far the user has read. At first they are.' }),
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
  /** Whether other members are shown how far the user has read. */
  readonly readReceipts: boolean;
}
