import { changeHash } from '../../src/prove/checker/stored-log.js';
import type { Violation } from '../../src/prove/checker/verdict.js';
import { Event } from '../../src/prove/history.js';
import { hashOf } from '../../src/prove/random.js';
import { ALICE, BOB, CHAT, LIKE, type Now, type Story, together } from './story.js';

const FULL = { view: 'full' } as const;

/** Alice's message 5 and what it became; Alice is connected for changes on 11, and Bob on 12. */
export const said = (now: Now = {}, story = together()): Story =>
  story
    .connects(11, ALICE, CHAT, 'after', 0, FULL)
    .page(11, 0)
    .connects(12, BOB, CHAT, 'after', 0, FULL)
    .page(12, 0)
    .sends(11, 's0-1')
    .stores(5, 's0-1', { now })
    .sees(1, 5)
    .sees(2, 5)
    .sees(11, 5)
    .sees(12, 5)
    .acknowledges(11, 's0-1', 5);

const hash = (text: string) => hashOf(`s0-1 ${text}`);
const edit = (version: number, text: string) => changeHash('edited', version, hash(text));

export const isEdited = { text: 'B', version: 2, changeId: 6 } as const;

/** Alice edits it by the change 6, which everybody who asks for changes is shown. */
export const edited = (story = said(isEdited)): Story => {
  story.edits(11, 's0-2', 5, 's0-1', 'B').logs(6, 5, edit(2, 'B'), ({ state }) => state.version === 2);
  for (const session of [11, 12]) story.tell(Event.edited, session, 6, 5, 2, hash('B'));
  return story.changed(11, 's0-2');
};

/** Alice edits it twice, by 6 and 7; the first of these changes is not in the log any more. */
export const editedTwice = (): Story => {
  const story = said({ text: 'C', version: 3, changeId: 7 }).edits(11, 's0-2', 5, 's0-1', 'B');
  story.tell(Event.edited, 11, 6, 5, 2, hash('B')).tell(Event.edited, 12, 6, 5, 2, hash('B'));
  story.changed(11, 's0-2').edits(11, 's0-3', 5, 's0-1', 'C').logs(7, 5, edit(3, 'C'));
  return story.tell(Event.edited, 11, 7, 5, 3, hash('C')).tell(Event.edited, 12, 7, 5, 3, hash('C'));
};

export const isDeleted = { isDeleted: true, changeId: 6 } as const;

/** Alice deletes it by the change 6. */
export const deleted = (): Story => {
  const story = said(isDeleted).deletes(11, 's0-2', 5).logs(6, 5, changeHash('deleted'));
  return story.tell(Event.deleted, 11, 6, 5).tell(Event.deleted, 12, 6, 5).changed(11, 's0-2');
};

/** Bob reacts to it by the change 6. */
export const reacted = (now: Now = { reactions: [[1, false]], changeId: 6 }, shown = [11, 12]): Story => {
  const story = said(now).reacts(12, 's1-1', 5);
  story.logs(6, 5, changeHash('reaction', BOB, LIKE, 1, 1));
  for (const session of shown) story.tell(Event.reaction, session, 6, 5, BOB, LIKE, 1, 1);
  return story.changed(12, 's1-1');
};

/** Minimal bad histories with changes. Each is good but for the one thing that its name says. */
export const badChanges: readonly [string, Partial<Record<Violation, number>>, () => Story][] = [
  [
    'an acknowledged edit is not stored',
    { lost: 1 },
    () => said().edits(11, 's0-2', 5, 's0-1', 'B').changed(11, 's0-2'),
  ],
  [
    'an edit is stored, and the message has the text from before',
    { lost: 1 },
    () => said({ text: 'hello', version: 2 }).edits(11, 's0-2', 5, 's0-1', 'B'),
  ],
  [
    'an acknowledged deletion is not stored',
    { lost: 1 },
    () => said().deletes(11, 's0-2', 5).changed(11, 's0-2'),
  ],
  [
    'a message that is not there was changed',
    { lost: 1 },
    () => said().edits(11, 's0-2', 9, 's0-1', 'B').changed(11, 's0-2'),
  ],
  ['an edit is stored that nobody asked for', { phantom: 1 }, () => said({ text: 'B', version: 2 })],
  ['a deletion is stored that nobody asked for', { phantom: 1 }, () => said({ isDeleted: true })],
  [
    'an edit is stored with another text than was asked for',
    { phantom: 1 },
    () => said({ text: 'X', version: 2 }).edits(11, 's0-2', 5, 's0-1', 'B'),
  ],
  [
    'an edit is shown that is not stored',
    { phantom: 1 },
    () => edited().tell(Event.edited, 12, 8, 5, 2, hash('B')),
  ],
  [
    'an edit is shown on a socket of another chat',
    { phantom: 1 },
    () => edited().connects(15, ALICE, 20, 'after', 0, FULL).tell(Event.edited, 15, 6, 5, 2, hash('B')),
  ],
  [
    'a reaction is shown that its user never asked for',
    { phantom: 1 },
    () => said({ changeId: 6 }).logs(6, 5, undefined).tell(Event.reaction, 12, 6, 5, BOB, LIKE, 0, 0),
  ],
  [
    'an edit is applied twice',
    { duplicate: 1 },
    () => said({ text: 'B', version: 3 }).edits(11, 's0-2', 5, 's0-1', 'B').changed(11, 's0-2'),
  ],
  [
    'an edit is shown with another text',
    { disagreeing: 2 }, // It is another text of the version, and another change.
    () => edited().connects(13, BOB, CHAT, 'limit', 0, FULL).tell(Event.edited, 13, 6, 5, 2, hash('X')),
  ],
  [
    'a reaction is shown with another count',
    { disagreeing: 1 },
    () => reacted().connects(13, BOB, CHAT, 'limit', 0, FULL).tell(Event.reaction, 13, 6, 5, BOB, LIKE, 1, 2),
  ],
  [
    'a message is not as its newest change says',
    { disagreeing: 1 },
    () => said({ changeId: 6 }).logs(6, 5, undefined, () => false),
  ],
  [
    'a change is in the log, and its message knows nothing of it',
    { disagreeing: 1 },
    () => said().logs(6, 5, changeHash('deleted')),
  ],
  [
    'a quote is of another message',
    { disagreeing: 1 },
    () => said().tell(Event.quoted, 12, 9, 5, 's0-7', '-'),
  ],
  [
    'an answer has no quote of a message that is there',
    { disagreeing: 1 },
    () => said().tell(Event.quoted, 12, 9, 5, '-', '-'),
  ],
  [
    'a reader never hears of an edit',
    { outdated: 1 },
    () => edited().connects(13, BOB, CHAT, 'after', 5, { view: 'full' }).page(13, 0).tell(Event.end),
  ],
  [
    'a reader never hears of a deletion',
    { outdated: 1 },
    () => deleted().connects(13, BOB, CHAT, 'after', 5, { view: 'full' }).page(13, 0).tell(Event.end),
  ],
  ['a reader never hears of a reaction', { outdated: 1 }, () => reacted(undefined, [12]).tell(Event.end)],
  [
    'somebody who reacted is told that they did not',
    { outdated: 1 },
    () =>
      reacted({ reactions: [[1, false]], changeId: 8 })
        .logs(8, 5, 0)
        .tell(Event.reactions, 12, 8, 5, `${LIKE}:1:0`)
        .tell(Event.end),
  ],
  [
    'a later edit is followed by an earlier one',
    { stale: 1, reordered: 1 },
    () => editedTwice().tell(Event.edited, 12, 6, 5, 2, hash('B')),
  ],
  [
    'a history has the text from before an edit that was acknowledged',
    { stale: 1 },
    () => edited().connects(3, BOB, CHAT).sees(3, 5).page(3, 1),
  ],
  [
    'a history has a text that is older than what the reader was shown',
    { stale: 1 },
    () => {
      const story = said(isEdited).edits(11, 's0-2', 5, 's0-1', 'B').logs(6, 5, edit(2, 'B'));
      story.tell(Event.edited, 12, 6, 5, 2, hash('B'));
      return story
        .connects(13, BOB, CHAT, 'limit', 9, { ...FULL, reader: 12 })
        .sees(13, 5)
        .page(13, 1);
    },
  ],
  [
    'a history has a message whose deletion was acknowledged',
    { stale: 1 },
    () => deleted().connects(3, BOB, CHAT).sees(3, 5).page(3, 1),
  ],
  ['a message comes after its deletion', { stale: 1, repeated: 1 }, () => deleted().seesNow(12, 5, {})],
  [
    'a quote has the text from before an edit that was acknowledged',
    { stale: 1 },
    () => edited().connects(3, BOB, CHAT).tell(Event.quoted, 3, 9, 5, 's0-1', '-'),
  ],
  [
    'a message has more reactions than users who reacted',
    { miscounted: 1 },
    () => reacted({ reactions: [[2, false]], changeId: 6 }),
  ],
  [
    'an acknowledged reaction is not stored',
    { miscounted: 1 },
    () => said().reacts(12, 's1-1', 5).changed(12, 's1-1'),
  ],
  [
    'a reaction stays that was taken back',
    { miscounted: 1 },
    () => reacted().reacts(12, 's1-2', 5, false).changed(12, 's1-2'),
  ],
  [
    'somebody who did not ask for changes is shown one',
    { uninvited: 1 },
    () => said().tell(Event.uninvited, 2, 'edited', 6),
  ],
  [
    'the place of a deleted message is left out for somebody who asks for changes',
    { gap: 1 },
    () => deleted().connects(13, BOB, CHAT, 'after', 0, FULL).page(13, 0),
  ],
  [
    'a message is left out that nobody deleted, for somebody who does not ask for changes',
    { gap: 1 },
    () => edited().connects(3, BOB, CHAT).page(3, 0),
  ],
  ['a change is shown twice', { repeated: 1 }, () => edited().tell(Event.edited, 12, 6, 5, 2, hash('B'))],
  [
    'a reaction is refused as if the message were gone',
    { unexpected: 1 },
    () => said().reacts(12, 's1-1', 5).tell(Event.refused, 12, 's1-1', 'message_not_found'),
  ],
];
