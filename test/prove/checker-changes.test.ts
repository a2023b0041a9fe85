import { describe, expect, it } from 'vitest';
import { changeHash } from '../../src/prove/checker/stored-log.js';
import { Event } from '../../src/prove/history.js';
import { hashOf } from '../../src/prove/random.js';
import {
  badChanges,
  deleted,
  edited,
  editedTwice,
  isDeleted,
  isEdited,
  reacted,
  said,
} from './bad-changes.js';
import { ALICE, BOB, CHAT, LIKE, together } from './story.js';

const FULL = { view: 'full' } as const;

describe('a good history with changes', () => {
  it('has nothing to count, when each reader is left with what is stored', () => {
    for (const story of [said(), edited(), editedTwice(), deleted(), reacted()])
      expect(story.tell(Event.end).counts).toEqual({});
  });

  it('may show who resumes what a message became, under the id of its newest change', () => {
    const story = edited().tell(Event.closed, 12, 1006);
    story.connects(13, BOB, CHAT, 'after', 5, { ...FULL, reader: 12 });
    const hash = hashOf('s0-1 B');
    story.tell(Event.edited, 13, 6, 5, 2, hash, '-').page(13, 1);
    expect(story.tell(Event.end).counts).toEqual({});
  });

  it('may leave a deleted message out for who does not ask for changes, and show its place to who does', () => {
    const story = deleted().connects(3, BOB, CHAT).page(3, 0).connects(4, BOB, CHAT, 'limit', 9).page(4, 0);
    story.connects(13, BOB, CHAT, 'limit', 9, FULL).seesPlaceOf(13, 5).page(13, 1);
    expect(story.tell(Event.end).counts).toEqual({});
  });

  it('may show a live message as it is already, and the edit that made it so after it', () => {
    const story = together().connects(11, ALICE, CHAT, 'after', 0, FULL).page(11, 0);
    story.connects(12, BOB, CHAT, 'after', 0, FULL).page(12, 0);
    story.sends(11, 's0-1').stores(5, 's0-1', { now: isEdited }).sees(1, 5).sees(11, 5);
    story.acknowledges(11, 's0-1', 5).edits(11, 's0-2', 5, 's0-1', 'B');
    story.logs(6, 5, changeHash('edited', 2, hashOf('s0-1 B')));
    for (const session of [2, 12]) story.seesNow(session, 5, { text: 'B', version: 2 });
    for (const session of [11, 12]) story.tell(Event.edited, session, 6, 5, 2, hashOf('s0-1 B'));
    expect(story.changed(11, 's0-2').tell(Event.end).counts).toEqual({});
  });

  it('may have a change stored or not that was never answered', () => {
    expect(said().edits(11, 's0-2', 5, 's0-1', 'B').counts).toEqual({});
    expect(said({ text: 'B', version: 2 }).edits(11, 's0-2', 5, 's0-1', 'B').counts).toEqual({});
    expect(said().reacts(12, 's1-1', 5).counts).toEqual({});
    expect(said({ reactions: [[1, false]] }).reacts(12, 's1-1', 5).counts).toEqual({});
  });

  it('may refuse what is about a message that somebody deletes', () => {
    const story = deleted().reacts(12, 's1-1', 5).tell(Event.refused, 12, 's1-1', 'message_not_found');
    story.sends(12, 's1-2', 5).tell(Event.refused, 12, 's1-2', 'reply_unknown');
    expect(story.counts).toEqual({});
  });

  it('tells readers which of the reactions are their own', () => {
    const story = reacted().connects(13, BOB, CHAT, 'limit', 9, FULL);
    story.seesNow(13, 5, { reactions: [[1, true]] }).page(13, 1);
    story
      .connects(14, ALICE, CHAT, 'limit', 9, FULL)
      .seesNow(14, 5, { reactions: [[1, false]] })
      .page(14, 1);
    expect(story.tell(Event.end).counts).toEqual({});
  });

  it('may quote a message as it is, or no more when somebody deletes it', () => {
    expect(edited().tell(Event.quoted, 12, 9, 5, 's0-1', 's0-2').counts).toEqual({});
    expect(deleted().tell(Event.quoted, 12, 9, 5, '-', '-').counts).toEqual({});
  });

  it('says how many changes were asked for and acknowledged, whatever became of them', () => {
    const story = reacted().tell(Event.reactions, 12, 8, 5, `${LIKE}:1:1`).logs(8, 5, 0);
    expect(story.checked).toMatchObject({ changes: 1, acknowledgedChanges: 1 });
    expect(said(isDeleted).deletes(11, 's0-2', 5).checked).toMatchObject({
      changes: 1,
      acknowledgedChanges: 0,
    });
  });
});

describe('a history with changes in which', () => {
  it.each(badChanges)('%s counts as %o', (_name, counts, story) => {
    expect(story().counts).toEqual(counts);
  });
});
