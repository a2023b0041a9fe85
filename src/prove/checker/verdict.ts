/** What must not happen, and what each name means. A run is good when it counts none of them. */
export const VIOLATIONS = {
  lost: 'acknowledged (a message, a change of one, or a change of members), and not in the log',
  phantom: 'shown or stored, and never sent like that',
  duplicate: 'one message, stored more than once, or one edit, applied more than once',
  disagreeing: 'one id, shown differently to two clients or stored differently',
  outdated: 'a message that a reader of changes was left with in another state than is stored',
  stale:
    'an older state of a message, shown after a newer one, or to a client that connected after a newer one was acknowledged',
  miscounted: 'reactions, stored with another number than there are users who reacted',
  uninvited:
    'a change, reactions, or the place of a deleted message, shown to a client that did not ask for changes',
  gap: 'skipped by a connection between what it was shown before and after, or left out of a history',
  reordered: 'shown after a later message or change of its chat',
  repeated: 'shown twice on one connection, or again after the client said that it has it',
  unseen: 'not shown by the end to a member who was connected',
  senderOrder: "stored in another order than one sender's connections sent it",
  nonMember: 'shown to somebody who had been removed before it was stored',
  unanswered: 'sent on a connection that stayed open, and neither acknowledged nor refused in time',
  unexpected: 'an answer that the contract does not give there',
} as const;

export type Violation = keyof typeof VIOLATIONS;

const EXAMPLES_MAX = 5;

/** How often each violation was found, and the first few cases of each in words. */
export class Verdict {
  readonly counts: Record<Violation, number>;
  readonly examples: Record<Violation, string[]>;

  constructor() {
    const names = Object.keys(VIOLATIONS) as Violation[];
    this.counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<Violation, number>;
    this.examples = Object.fromEntries(names.map((name) => [name, [] as string[]])) as Record<
      Violation,
      string[]
    >;
  }

  add(violation: Violation, what: string, times = 1): void {
    this.counts[violation] += times;
    if (this.examples[violation].length < EXAMPLES_MAX) this.examples[violation].push(what);
  }

  get good(): boolean {
    return Object.values(this.counts).every((count) => count === 0);
  }
}
