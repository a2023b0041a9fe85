import { describe, expect, it } from 'vitest';
import type { Chat } from '../../src/chat/chats.js';
import { otherOf, pairOf } from '../../src/chat/chats.js';
import {
  assertMayAdd,
  assertMayManage,
  assertMayRemove,
  MemberList,
  NewGroup,
} from '../../src/chat/groups.js';

const OWNER = 1;
const MEMBER = 2;
const GROUP: Chat = {
  id: 1,
  type: 'group',
  name: 'g',
  description: '',
  photo: null,
  ownerId: OWNER,
  pair: null,
  membersCount: 2,
};
const ids = (...list: number[]) => list.map((id) => ({ id, name: `user ${id}` }));

describe('NewGroup', () => {
  it('drops repeats and names, and fills in what may be absent', () => {
    expect(NewGroup.parse({ name: ' g ' })).toEqual({ name: 'g', description: '', users: [] });
    expect(NewGroup.parse({ name: 'g', users: ids(3, 2, 3, 2, 1), client_id: 'c' })).toEqual({
      name: 'g',
      description: '',
      users: [3, 2, 1],
      client_id: 'c',
    });
  });

  it.each([
    ['name', {}],
    ['name', { name: '' }],
    ['name', { name: 'n'.repeat(129) }],
    ['description', { name: 'g', description: 'd'.repeat(1025) }],
    ['users', { name: 'g', users: null }],
    ['users', { name: 'g', users: { id: 1 } }],
    ['users.0', { name: 'g', users: [1] }],
    ['users.0.id', { name: 'g', users: [{ name: 'x' }] }],
    ['users.1.id', { name: 'g', users: [{ id: 1 }, { id: '2' }] }],
    ['users.0.id', { name: 'g', users: [{ id: 0 }] }],
    ['client_id', { name: 'g', client_id: '' }],
    ['client_id', { name: 'g', client_id: 'x'.repeat(65) }],
    ['client_id', { name: 'g', client_id: 1 }],
    ['', []],
    ['', null],
  ])('refuses with the path %j (%#)', (path, group) => {
    expect(NewGroup.safeParse(group).error?.issues[0]?.path.join('.')).toBe(path);
  });
});

describe('MemberList', () => {
  it('drops repeats and ignores names', () => {
    expect(MemberList.parse({ users: [{ id: 2 }, { id: 2, name: 5 }] })).toEqual({ users: [2] });
  });

  it.each([
    [{}],
    [{ users: [] }],
    [{ users: '1' }],
    [{ users: [{}] }],
    [{ users: [null] }],
    [[]],
  ])('refuses %j', (list) => {
    expect(MemberList.safeParse(list).success).toBe(false);
  });
});

describe('only the owner manages a group', () => {
  const refused = (code: string, details?: object) =>
    expect.objectContaining({ code, ...(details && { details }) });

  it.each([
    ['the owner', OWNER, true, true, undefined],
    ['a member', MEMBER, true, true, 'not_owner'],
    ['a stranger', 3, true, false, 'group_not_found'],
    ['anyone, when there is no such group', OWNER, false, false, 'group_not_found'],
  ] as const)('%s', (_name, actor, exists, actorIsMember, code) => {
    const act = () => assertMayManage(exists && actorIsMember ? GROUP : undefined, actor);
    if (code === undefined) expect(act).not.toThrow();
    else expect(act).toThrow(refused(code));
  });

  it('adds all or nothing, and says who is in the way', () => {
    expect(() => assertMayAdd([], [])).not.toThrow();
    expect(() => assertMayAdd([7, 8], [])).toThrow(refused('user_unknown', { users: [7, 8] }));
    expect(() => assertMayAdd([], [5])).toThrow(refused('already_member', { users: [5] }));
    expect(() => assertMayAdd([7], [5])).toThrow(refused('user_unknown', { users: [7] }));
  });

  it('removes all or nothing, and never the owner', () => {
    expect(() => assertMayRemove([MEMBER], OWNER, [])).not.toThrow();
    expect(() => assertMayRemove([MEMBER, OWNER], OWNER, [])).toThrow(
      refused('owner_stays', { users: [OWNER] }),
    );
    expect(() => assertMayRemove([OWNER, 9], OWNER, [9])).toThrow(refused('owner_stays'));
    expect(() => assertMayRemove([MEMBER, 9], OWNER, [9])).toThrow(refused('not_a_member', { users: [9] }));
  });
});

describe('the pair of a private chat', () => {
  it('is the same from either side', () => {
    expect(pairOf(2, 10)).toEqual([2, 10]);
    expect(pairOf(10, 2)).toEqual([2, 10]);
  });

  it('knows the other', () => {
    expect(otherOf([2, 10], 2)).toBe(10);
    expect(otherOf([2, 10], 10)).toBe(2);
  });
});
