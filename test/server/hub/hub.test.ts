import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Close } from '../../../src/api/status.js';
import { TestHub } from '../../support/hub.js';
import { say } from '../../support/store.js';

const OWNER = 1;
const MEMBER = 2;
const OTHER = 3;

let stage: TestHub;
let group: number;
beforeEach(async () => {
  stage = await TestHub.open();
  group = await stage.store.group(2);
  await stage.store.ok('create_user', { caller: { id: OTHER }, username: 'c', name: 'C', description: '' });
  await stage.follow();
});
afterEach(() => stage.close());

async function post(text: string, chatId = group, authorId = OWNER): Promise<void> {
  await stage.store.run(say(chatId, authorId, text));
  await stage.follow();
}
const types = ({ wire }: { wire: { frames: { type: string }[] } }) => wire.frames.map(({ type }) => type);

describe('a message', () => {
  it('reaches the sockets of its chat once, as one frame, and no others', async () => {
    const elsewhere = (
      await stage.store.ok('create_group', { actor: OWNER, name: 'x', description: '', users: [MEMBER] })
    ).id;
    await stage.follow();
    const [one, two, other] = [
      stage.connect(OWNER, group),
      stage.connect(MEMBER, group),
      stage.connect(MEMBER, elsewhere),
    ];
    await post('hello');
    for (const peer of [one, two]) expect(peer.wire.frames.slice(1)).toMatchObject([{ text: 'hello' }]);
    expect(one.wire.frames).toEqual(two.wire.frames);
    expect(types(other)).toEqual(['history']);
  });

  it('reaches the main sockets of the members', async () => {
    const [member, stranger] = [stage.connectMain(MEMBER), stage.connectMain(OTHER)];
    await stage.follow();
    await post('hello');
    expect(member.wire.frames).toMatchObject([{ type: 'last_message', text: 'hello', chat_type: 'group' }]);
    expect(stranger.wire.frames).toEqual([]);
  });
});

describe('a change of the members', () => {
  it('ends the sockets of who is removed, after what was said before and before what is said after', async () => {
    const [theirs, hers] = [stage.connect(MEMBER, group), stage.connect(OWNER, group)];
    await stage.store.run(
      say(group, OWNER, 'before'),
      { kind: 'remove_members', actor: OWNER, groupId: group, users: [MEMBER] },
      say(group, OWNER, 'after'),
    );
    await stage.follow();
    expect(theirs.wire.frames.slice(1)).toMatchObject([{ text: 'before' }]);
    expect(theirs.wire.ended).toEqual({ code: Close.removed, reason: 'removed' });
    expect(hers.wire.frames.slice(1)).toMatchObject([{ text: 'before' }, { text: 'after' }]);
    expect(hers.wire.ended).toBeUndefined();
  });

  it('gives a main socket the chats that its user joins, and takes those that they leave', async () => {
    const main = stage.connectMain(OTHER);
    await stage.follow();
    await stage.store.ok('add_members', { actor: OWNER, groupId: group, users: [OTHER] });
    await post('as a member');
    await stage.store.ok('remove_members', { actor: OWNER, groupId: group, users: [OTHER] });
    await post('behind their back');
    expect(main.wire.frames).toMatchObject([{ text: 'as a member' }]);
  });

  it('ends all sockets of a group that is deleted', async () => {
    const peers = [stage.connect(OWNER, group), stage.connect(MEMBER, group)];
    await stage.store.ok('delete_group', { actor: OWNER, groupId: group });
    await stage.follow();
    for (const { wire } of peers) {
      expect(wire.ended).toEqual({ code: Close.groupDeleted, reason: 'group deleted' });
    }
    expect(stage.hub.room(group).size).toBe(0);
  });
});

describe('a revocation', () => {
  it('ends the sockets of its user that came with older tokens, on chats and main', async () => {
    const [old, main, newer, others] = [
      stage.connect(OWNER, group),
      stage.connectMain(OWNER),
      stage.connect(OWNER, group),
      stage.connect(MEMBER, group),
    ];
    for (const { socket } of [old, main, others]) socket.stayFor({ endsAt: socket.endsAt, issuedAt: 99 });
    newer.socket.stayFor({ endsAt: newer.socket.endsAt, issuedAt: 100 });
    await stage.store.ok('revoke_tokens', { claim: String(OWNER), before: 100 });
    await stage.follow();
    for (const { wire } of [old, main]) expect(wire.ended).toMatchObject({ code: 4401 });
    for (const { wire } of [newer, others]) expect(wire.ended).toBeUndefined();
  });
});

describe('the sockets of a hub', () => {
  it('are everyone from when they are added until they are removed, in their rooms', async () => {
    const peers = [stage.connect(OWNER, group), stage.connect(MEMBER, group), stage.connectMain(MEMBER)];
    expect(new Set(stage.hub.everyone())).toEqual(new Set(peers.map(({ socket }) => socket)));
    expect(stage.hub.room(group).size).toBe(2);
    for (const { socket } of peers) socket.end(1000, 'bye');
    expect(stage.hub.everyone()).toEqual([]);
    expect(stage.hub.room(group).size).toBe(0);
    expect(peers.map(({ socket }) => socket.state)).toEqual(['closed', 'closed', 'closed']);
  });
});
