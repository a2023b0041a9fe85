import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { full, fullHistoryOf } from '../support/chat.js';
import { TestServer } from '../support/server.js';
import type { Frame, TestSocket } from '../support/socket.js';
import type { TestUser } from '../support/user.js';
import { until } from '../support/wait.js';

let server: TestServer;

async function said(
  alice: TestUser,
  bob: TestUser,
): Promise<{ path: string; hers: TestSocket; message: Frame }> {
  const path = `/group/${await alice.groupWith(bob)}`;
  const hers = await full(alice, path);
  hers.says('first');
  return { path, hers, message: await hers.hears('first') };
}

describe('EDIT_SECONDS_MAX', () => {
  let alice: TestUser;
  let bob: TestUser;
  beforeAll(async () => {
    server = await TestServer.start({ env: { EDIT_SECONDS_MAX: '1' } });
    [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
  });
  afterAll(() => server.stop());

  /** Something that was said more than a second ago, by the clock that gives times. */
  async function old() {
    const found = await said(alice, bob);
    await until(() => Date.now() > Date.parse(found.message.time) + 1000);
    return found;
  }

  it('refuses later edits', async () => {
    const { path, hers, message } = await old();
    hers.edits(message, 'too late', 'c-1');
    expect(await hers.next()).toMatchObject({ type: 'error', code: 'edit_too_late', client_id: 'c-1' });
    expect(await fullHistoryOf(bob, path)).toEqual([message]);
  });

  it('refuses no deletion and no reaction', async () => {
    const { hers, message } = await old();
    hers.reacts(message, '👍');
    expect(await hers.next()).toMatchObject({ type: 'reaction', count: 1 });
    hers.deletes(message);
    expect(await hers.next()).toMatchObject({ type: 'deleted', message_id: message.id });
  });

  it('answers a repeat as ever: the text is there', async () => {
    const { hers, message } = await old();
    hers.edits(message, 'first');
    expect(await hers.next()).toMatchObject({ type: 'edited', version: 1, duplicate: true });
  });
});

describe('MESSAGES_PER_SECOND_PER_USER_MAX', () => {
  afterEach(() => server.stop());

  it('counts changes as messages, and nothing of what is over it is made', async () => {
    server = await TestServer.start({ env: { MESSAGES_PER_SECOND_PER_USER_MAX: '1' } });
    const [alice, bob] = [await server.user('Alice'), await server.user('Bob')];
    const { path, hers, message } = await said(alice, bob);
    // One message was said, and five may be at once.
    const count = 8;
    for (let n = 0; n < count; n++) hers.edits(message, `edit ${n}`, `c-${n}`);
    const answers: Frame[] = [];
    for (let n = 0; n < count; n++) answers.push(await hers.next());
    const refused = answers.filter(({ type }) => type === 'error');
    const made = answers.filter(({ type }) => type === 'edited');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length + made.length).toBe(count);
    for (const { code, details, client_id } of refused) {
      expect({ code, limit: details.limit }).toEqual({ code: 'rate_limited', limit: 'messages' });
      expect(client_id).toMatch(/^c-\d$/);
    }
    const newest = made.at(-1);
    expect((await fullHistoryOf(bob, path))[0]).toMatchObject({
      text: newest.text,
      version: made.length + 1,
    });
    // Others are not concerned, and what was refused may be sent again.
    const his = await full(bob, path);
    his.reacts(message, '👍');
    expect(await his.nextOf('reaction')).toMatchObject({ count: 1 });
    for (let isMade = false; !isMade; ) {
      hers.edits(message, 'in the end');
      let answer = await hers.next();
      if (answer.type === 'reaction') answer = await hers.next();
      isMade = answer.type === 'edited';
      if (!isMade) await sleep(answer.details.retry_after_ms);
    }
  });
});
