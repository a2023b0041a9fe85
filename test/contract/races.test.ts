import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestServer } from '../support/server.js';
import { expectRefusal, join, newcomer, type StrictUser, stopUnharmed } from '../support/strict.js';
import type { Answer } from '../support/user.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.shared();
});
afterAll(() => stopUnharmed(server));

const times = <T>(n: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, index) => make(index)));

/** Exactly one 200; all the others are this refusal. */
function expectOneWinner(answers: Answer[], status: number, code: Parameters<typeof expectRefusal>[2]): void {
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1);
  for (const answer of answers) if (answer.status !== 200) expectRefusal(answer, status, code);
}

describe('at the same moment', () => {
  it('one of 20 callers gets a username', async () => {
    for (const username of ['first', 'second', 'third']) {
      const callers = await times(20, () => newcomer(server, 'Caller'));
      const answers = await Promise.all(
        callers.map((caller, n) =>
          caller.post('/user', {
            username: n % 2 === 0 ? username : username.toUpperCase(),
            name: String(n),
          }),
        ),
      );
      expectOneWinner(answers, 400, 'username_taken');
      const profiles = await Promise.all(callers.map((caller) => caller.get('/user')));
      expect(profiles.map(({ status }) => status)).toEqual(
        answers.map(({ status }) => (status === 200 ? 200 : 404)),
      );
    }
  });

  it('one of 20 requests of a caller creates the profile', async () => {
    const caller = await newcomer(server, 'Caller');
    const answers = await times(20, (n) => caller.post('/user', { username: `many${n}`, name: 'Many' }));
    expectOneWinner(answers, 400, 'user_exists');
    const winner = answers.findIndex(({ status }) => status === 200);
    expect((await caller.get('/user')).body.username).toBe(`many${winner}`);
  });

  it('both sides open one chat', async () => {
    for (let round = 0; round < 5; round++) {
      const [alice, bob] = [await join(server, 'Alice'), await join(server, 'Bob')];
      const ids = await times(20, (n) => (n % 2 === 0 ? alice.chatWith(bob) : bob.chatWith(alice)));
      expect(new Set(ids).size).toBe(1);
      expect((await alice.get('/chats')).body.rooms).toHaveLength(1);
      expect((await bob.get('/chats')).body.rooms).toHaveLength(1);
    }
  });

  it('one client_id makes one group', async () => {
    const alice = await join(server, 'Alice');
    for (const client_id of ['a', 'b', 'c']) {
      const answers = await times(20, () => alice.post('/group', { name: 'once', client_id }));
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect(new Set(answers.map(({ body }) => body.group.id)).size).toBe(1);
    }
    expect((await alice.get('/chats')).body.rooms).toHaveLength(3);
  });

  it('groups without a client_id are as many as were asked for', async () => {
    const alice = await join(server, 'Alice');
    const ids = await times(20, () => alice.groupWith());
    expect(new Set(ids).size).toBe(20);
    expect((await alice.get('/chats')).body.rooms).toHaveLength(20);
  });

  it('a user is added once, and taken out once', async () => {
    const [alice, bob] = [await join(server, 'Alice'), await join(server, 'Bob')];
    const group = await alice.groupWith();
    const users = [{ id: bob.id }];
    const countIs = async (count: number) =>
      expect((await alice.get(`/group/${group}/info`)).body.users_count).toBe(count);
    const added = await times(20, () => alice.post(`/group/${group}/add`, { users }));
    expectOneWinner(added, 409, 'already_member');
    await countIs(2);
    const removed = await times(20, () => alice.delete(`/group/${group}/delete`, { users }));
    expectOneWinner(removed, 409, 'not_a_member');
    await countIs(1);
  });

  it('a user is added once, and taken out once, by many who ask for what is needed', async () => {
    const [alice, bob] = [await join(server, 'Alice'), await join(server, 'Bob')];
    const path = `/group/${await alice.groupWith()}`;
    const body = { users: [{ id: bob.id }] };
    const added = await times(20, () => alice.post(`${path}/add?if_needed=true`, body));
    expect(added.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(added.filter((answer) => answer.body.added.length === 1)).toHaveLength(1);
    expect(added.filter((answer) => answer.body.unchanged.length === 1)).toHaveLength(19);
    const removed = await times(20, () => alice.delete(`${path}/delete?if_needed=true`, body));
    expect(removed.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(removed.filter((answer) => answer.body.removed.length === 1)).toHaveLength(1);
    expect((await alice.get(`${path}/info`)).body.users_count).toBe(1);
  });

  it('a group is deleted once', async () => {
    const alice = await join(server, 'Alice');
    const group = await alice.groupWith();
    const answers = await times(20, () => alice.delete(`/group/${group}`));
    expectOneWinner(answers, 404, 'group_not_found');
  });

  it('lists that meet are added whole or not at all', async () => {
    const alice = await join(server, 'Alice');
    const others: StrictUser[] = [];
    for (let n = 0; n < 6; n++) others.push(await join(server, 'Other'));
    const group = await alice.groupWith();
    // Every list shares a user with its neighbours: the winners must not meet.
    const lists = others.map((user, n) => [user, others[(n + 1) % others.length] ?? user]);
    const answers = await Promise.all(
      lists.map((list) => alice.post(`/group/${group}/add`, { users: list.map(({ id }) => ({ id })) })),
    );
    const won = lists.filter((_, n) => answers[n]?.status === 200).flat();
    expect(won.length).toBeGreaterThan(0);
    expect(new Set(won).size).toBe(won.length);
    const members = (await alice.get(`/group/${group}/users`)).body.users;
    expect(members.map(({ id }: { id: number }) => id).sort()).toEqual(
      [alice, ...won].map(({ id }) => id).sort(),
    );
  });
});
