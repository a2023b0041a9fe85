import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { check } from '../../src/prove/checker/checker.js';
import { VIOLATIONS, type Violation } from '../../src/prove/checker/verdict.js';
import { Event, History, readHistory } from '../../src/prove/history.js';
import { badChanges } from './bad-changes.js';
import { ALICE, BOB, CARL, CHAT, GROUP, Story, together } from './story.js';

/** Alice sends two messages, which are stored as 5 and 7, acknowledged, and not yet shown to Bob. */
const spoken = () =>
  together()
    .sends(1, 's0-1')
    .sends(1, 's0-2')
    .stores(5, 's0-1')
    .stores(7, 's0-2')
    .sees(1, 5)
    .acknowledges(1, 's0-1', 5)
    .sees(1, 7)
    .acknowledges(1, 's0-2', 7);

/** Carl was a member of the group, and was removed by entry 6. */
const removed = (story = new Story()) => {
  story.connects(3, CARL, GROUP).page(3, 0).connects(1, ALICE, GROUP).page(1, 0);
  story.tell(Event.leaving, GROUP, CARL).tell(Event.left, GROUP, CARL);
  story.log.changes?.push({ id: 6, chatId: GROUP, kind: 'removed', users: [CARL] });
  return story.sends(1, 's0-1').stores(8, 's0-1', { chat: GROUP }).sees(1, 8);
};

describe('a good history', () => {
  it('has nothing to count: live, a reconnect with after, pages, a plain page, a repeat, main', () => {
    const story = spoken().sees(2, 5).tell(Event.closed, 2, 0);
    story.connects(4, BOB, CHAT, 'after', 5).sees(4, 7).page(4, 1);
    story.connects(5, BOB, CHAT, 'after', 0).sees(5, 5).page(5, 1, true).sees(5, 7).page(5, 1);
    story.connects(6, BOB, CHAT, 'limit', 1).sees(6, 7).page(6, 1);
    story.connects(7, BOB, CHAT, 'limit', 100).sees(7, 5).sees(7, 7).page(7, 2);
    story.connects(8, BOB, 0, 'limit', 0).tell(Event.calm);
    story.sends(1, 's0-2').sends(1, 's0-3').stores(9, 's0-3').acknowledges(1, 's0-3', 9);
    for (const session of [1, 4, 5, 6, 7, 8]) story.sees(session, 9);
    expect(story.tell(Event.end).counts).toEqual({});
  });

  it('may leave out what was given up, and store it late', () => {
    const story = together().sends(1, 'o0-1').tell(Event.closed, 1, 1006).connects(3, ALICE, CHAT);
    story.page(3, 0).sends(3, 'o0-2').stores(5, 'o0-2').stores(6, 'o0-1').sends(3, 'o0-3');
    expect(story.sees(3, 5).sees(3, 6).sees(2, 5).sees(2, 6).tell(Event.end).counts).toEqual({});
  });

  it('may show the removed what was stored before, and everything when they are back', () => {
    const story = removed().tell(Event.closed, 3, 4403).tell(Event.joining, GROUP, CARL);
    story.log.changes?.push({ id: 9, chatId: GROUP, kind: 'added', users: [CARL] });
    story.connects(4, CARL, GROUP).sees(4, 8).page(4, 1).tell(Event.joined, GROUP, CARL);
    expect(story.tell(Event.end).counts).toEqual({});
  });

  it('may store what was refused after what was sent later', () => {
    const story = together().sends(1, 's0-1').sends(1, 's0-2').tell(Event.refused, 1, 's0-1', 'overloaded');
    story.stores(5, 's0-2').sends(1, 's0-1').stores(6, 's0-1');
    expect(story.counts).toEqual({});
  });

  it('may show a main socket that does not read only the newest of a chat', () => {
    const story = new Story().connects(1, ALICE, CHAT).page(1, 0).connects(8, BOB, 0, 'limit', 0);
    for (const n of [1, 2, 3]) story.sends(1, `s0-${n}`).stores(n + 4, `s0-${n}`);
    story.sees(8, 5).tell(Event.paused, 8).sees(8, 7);
    expect(story.counts).toEqual({});
  });

  it('says how late the last one who was live was shown something', () => {
    const story = together().sends(1, 's0-1').stores(5, 's0-1').tell(Event.time, 100).sees(1, 5);
    story.tell(Event.time, 350).sees(2, 5);
    story.connects(3, BOB, CHAT).tell(Event.time, 900).sees(3, 5).page(3, 1); // This session is not live yet, so it does not count.
    expect(check(story.lines, story.log).slowestDeliveryMs).toBe(250);
  });

  it('reads the same from its file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-test-history-'));
    try {
      const file = join(folder, 'history.txt');
      const history = new History(file, () => 7.5);
      const story = spoken();
      for (const [event = '', ...fields] of story.lines) history.add(event, ...fields);
      history.close();
      expect([...readHistory(file)].slice(0, 1)).toEqual([['time', '7']]);
      expect([...readHistory(file)].slice(1)).toEqual(story.lines);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** Minimal bad histories. Each is good but for the one thing that its name says. */
const bad: readonly [string, Partial<Record<Violation, number>>, () => Story][] = [
  [
    'an acknowledged message is not stored',
    { lost: 1 },
    () => together().sends(1, 's0-1').acknowledges(1, 's0-1', 5),
  ],
  [
    'an acknowledgement names the message of another send',
    { lost: 1 },
    () => spoken().acknowledges(1, 's0-2', 5),
  ],
  [
    'a removal that was answered is not stored',
    { lost: 1 },
    () => new Story().tell(Event.leaving, GROUP, CARL).tell(Event.left, GROUP, CARL),
  ],
  [
    'an addition that was answered is not stored',
    { lost: 1 },
    () =>
      removed()
        .tell(Event.joining, GROUP, CARL)
        .tell(Event.joined, GROUP, CARL)
        .tell(Event.joined, GROUP, CARL),
  ],
  ['a message is shown that is not stored', { phantom: 1 }, () => together().sees(1, 5)],
  ['a message is stored that nobody sent', { phantom: 1 }, () => together().stores(5, 's0-1')],
  [
    'a message is stored with another text than was sent',
    { phantom: 1 },
    () => together().sends(1, 's0-1').stores(5, 's0-1', { text: 'hallo' }),
  ],
  [
    'a message is stored under another author',
    { phantom: 1 },
    () => together().sends(1, 's0-1').stores(5, 's0-1', { author: BOB }),
  ],
  [
    'a message of one chat is shown on a socket of another',
    { phantom: 1 },
    () => spoken().connects(5, ALICE, GROUP).page(5, 0).sees(5, 5),
  ],
  ['one send is stored twice', { duplicate: 1 }, () => spoken().stores(8, 's0-2').sees(1, 8)],
  ['a message is shown with another text', { disagreeing: 1 }, () => spoken().sees(2, 5, 's0-1 hallo')],
  ['a message does not come, and the next does', { gap: 1 }, () => spoken().sees(2, 7)],
  [
    'a resumed history begins one too late',
    { gap: 1 },
    () => spoken().connects(5, BOB, CHAT, 'after', 0).sees(5, 7).page(5, 1),
  ],
  [
    'a resumed history ends before what was acknowledged',
    { gap: 1 },
    () => spoken().connects(5, BOB, CHAT, 'after', 0).sees(5, 5).page(5, 1),
  ],
  [
    'a page that is not full does not have all',
    { gap: 1 },
    () => spoken().connects(5, BOB, CHAT, 'limit', 100).sees(5, 7).page(5, 1),
  ],
  [
    'an empty page hides what there is',
    { gap: 2 },
    () => spoken().connects(5, BOB, CHAT, 'limit', 100).page(5, 0),
  ],
  [
    'main leaves a message out',
    { gap: 1 },
    () => spoken().connects(8, BOB, 0, 'limit', 0).sends(1, 's0-3').stores(9, 's0-3').sees(8, 5).sees(8, 9),
  ],
  ['an older message comes late', { gap: 1, reordered: 1 }, () => spoken().sees(2, 7).sees(2, 5)],
  [
    'main shows an older message',
    { reordered: 1 },
    () => spoken().connects(8, BOB, 0, 'limit', 0).sees(8, 7).sees(8, 5),
  ],
  ['a message is shown twice', { repeated: 1 }, () => spoken().sees(2, 5).sees(2, 5)],
  [
    'a resumed history begins with what was seen',
    { repeated: 1 },
    () => spoken().connects(5, BOB, CHAT, 'after', 5).sees(5, 5).sees(5, 7).page(5, 2),
  ],
  [
    'main repeats what was seen before it was connected',
    { repeated: 1 },
    () => spoken().connects(8, BOB, 0, 'after', 7).sees(8, 7),
  ],
  [
    'a connected member never sees the last message',
    { unseen: 1 },
    () => spoken().sees(2, 5).tell(Event.end),
  ],
  [
    'main never shows the last message',
    { unseen: 1 },
    () => {
      const story = spoken().sees(2, 5).sees(2, 7).connects(8, BOB, 0, 'limit', 0).tell(Event.calm);
      return story.sends(1, 's0-3').stores(9, 's0-3').sees(1, 9).sees(2, 9).tell(Event.end);
    },
  ],
  [
    'two messages of a connection are stored the other way round',
    { senderOrder: 1 },
    () => together().sends(1, 's0-1').sends(1, 's0-2').stores(5, 's0-2').stores(6, 's0-1'),
  ],
  [
    'a repeat is stored after what was sent later',
    { senderOrder: 1 },
    () => {
      const story = together()
        .sends(1, 's0-1')
        .tell(Event.closed, 1, 1006)
        .connects(3, ALICE, CHAT)
        .page(3, 0);
      return story.sends(3, 's0-1').sends(3, 's0-2').stores(5, 's0-2').stores(6, 's0-1');
    },
  ],
  ['a removed member is shown a later message', { nonMember: 1 }, () => removed().sees(3, 8)],
  [
    'a connection from before the removal goes on after the return',
    { nonMember: 1 },
    () => {
      const story = removed().tell(Event.joining, GROUP, CARL);
      story.log.changes?.push({ id: 9, chatId: GROUP, kind: 'added', users: [CARL] });
      return story.sees(3, 8);
    },
  ],
  [
    "a removed member's main shows a later message",
    { nonMember: 1 },
    () => removed(new Story().connects(8, CARL, 0, 'limit', 0)).sees(8, 8),
  ],
  [
    'a send is never answered',
    { unanswered: 1 },
    () => together().sends(1, 's0-1').tell(Event.unanswered, 1, 's0-1'),
  ],
  [
    'an upgrade is refused to a member',
    { unexpected: 1 },
    () => new Story().tell(Event.unexpected, 's', '404'),
  ],
];

describe('a history in which', () => {
  it.each(bad)('%s counts as %o', (_name, counts, story) => {
    expect(story().counts).toEqual(counts);
  });

  it('nothing but the API was asked shows removed members, too', () => {
    expect(removed(new Story({ readsDatabase: false })).counts).toEqual({});
    expect(removed(new Story({ readsDatabase: false })).sees(3, 8).counts).toEqual({ nonMember: 1 });
  });
});

it('every count has a history that makes it', () => {
  const made = new Set([...bad, ...badChanges].flatMap(([, counts]) => Object.keys(counts)));
  expect([...made].sort()).toEqual(Object.keys(VIOLATIONS).sort());
});
