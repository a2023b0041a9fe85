import type { Place, PlacedMessages } from '../../store/read-store.js';
import type { Caches } from './caches.js';
import { type EncodedEntry, encodeEntry, FrameCollector, frameFor } from './pages.js';

/** The place of a page when none is asked for, and how many messages it has then. */
export const NEWEST: Place = { side: 'before', id: Number.MAX_SAFE_INTEGER };
export const PLACED_MESSAGES = 100;

/** The messages of a page as JSON, oldest first, and whether there are others on both sides of them. */
export interface EncodedPlace {
  readonly messages: readonly string[];
  readonly moreBefore: boolean;
  readonly moreAfter: boolean;
}

/** Encodes what fits into one frame of a page: what is nearest to its place, on both sides in turn. */
export function encodePlaced(page: PlacedMessages, caches: Caches): EncodedPlace {
  const { messages, older, quotes, own } = page;
  const newer = messages.length - older;
  const context = { nameJson: (userId: number) => caches.nameJson(userId), quotes };
  const collector = new FrameCollector<EncodedEntry>();
  /** Those before the place, the nearest first. */
  const before: string[] = [];
  const after: string[] = [];
  while (before.length < older || after.length < newer) {
    const isBefore = before.length < older && (before.length < after.length || after.length === newer);
    const message = messages[isBefore ? older - before.length - 1 : older + after.length];
    const entry = message && encodeEntry(message, 'full', context);
    if (entry === undefined || !collector.add(entry)) break;
    (isBefore ? before : after).push(frameFor(entry, own));
  }
  return {
    messages: [...before.reverse(), ...after],
    moreBefore: page.moreBefore || before.length < older,
    moreAfter: page.moreAfter || after.length < newer,
  };
}
