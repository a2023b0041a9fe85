import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HISTORY_BYTES_MAX } from '../../../../src/api/frames.js';
import { TestHub, type TestPeer } from '../../../support/hub.js';
import { say } from '../../../support/store.js';
import { until } from '../../../support/wait.js';

const LONG = 'x'.repeat(4000);

let stage: TestHub;
let group: number;
beforeEach(async () => {
  stage = await TestHub.open();
  group = await stage.store.group(2);
  await stage.follow();
});
afterEach(() => stage.close());

let said = 0;
/** Says so many messages in one batch; their ids. */
async function talk(count: number, text = ''): Promise<number[]> {
  const commands = Array.from({ length: count }, () => say(group, 1, `${++said} ${text}`));
  const outcomes = await stage.store.run(...commands);
  return outcomes.map((outcome) => ('ok' in outcome ? (outcome.ok as { id: number }).id : 0));
}

/** The ids that a peer was shown, history first. */
const shown = ({ wire }: TestPeer): number[] =>
  wire.frames.flatMap((frame) => (frame.type === 'history' ? frame.messages : [frame])).map(({ id }) => id);

describe('a socket that opens', () => {
  it('is shown the newest messages, as many as it asks for, and what follows live', async () => {
    const ids = await talk(10);
    await stage.follow();
    const peer = stage.connect(2, group, { limit: 3, offset: 0 });
    expect(peer.socket.state).toBe('live');
    const [next] = await talk(1);
    await stage.follow();
    expect(shown(peer)).toEqual([...ids.slice(-3), next]);
  });

  it('of an empty chat is told so', () => {
    const { wire } = stage.connect(2, group, { limit: 3, offset: 0 });
    expect(wire.frames).toEqual([{ type: 'history', messages: [], error: 'no messages' }]);
  });

  it('sees each message once, whether the log has brought it before, meanwhile or after', async () => {
    const before = await talk(5);
    await stage.follow();
    const meanwhile = await talk(5); // In the store, and not passed yet.
    const peer = stage.connect(2, group, { after: before[2] ?? 0 });
    await until(() => peer.socket.state === 'live');
    const after = await talk(5);
    await stage.follow();
    expect(shown(peer)).toEqual([...before.slice(3), ...meanwhile, ...after]);
  });
});

describe('a socket that resumes a long way back', () => {
  it('is sent page after page, each no larger than a history frame may be, as its peer takes them', async () => {
    const ids: number[] = [];
    for (let batch = 0; batch < 10; batch++) ids.push(...(await talk(100, LONG)));
    await stage.follow();
    const peer = stage.connect(2, group, { after: 0 });
    for (let turn = 0; turn < 100 && peer.socket.state !== 'live'; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(peer.socket.state).toBe('live');
    expect(shown(peer)).toEqual(ids);
    const pages = peer.wire.frames.map((frame) => Buffer.byteLength(JSON.stringify(frame)));
    expect(pages.length).toBeGreaterThan(3);
    expect(Math.max(...pages)).toBeLessThanOrEqual(HISTORY_BYTES_MAX);
    expect(peer.wire.frames.map(({ more }) => more)).toEqual([
      ...Array(pages.length - 1).fill(true),
      undefined,
    ]);
  });

  it('is sent nothing more while its peer takes nothing', async () => {
    for (let batch = 0; batch < 10; batch++) await talk(100, LONG);
    await stage.follow();
    const peer = stage.connect(2, group, { after: 0 });
    peer.wire.stalled = true;
    await until(() => peer.wire.buffered > 0);
    const { length } = peer.wire.frames;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(peer.wire.frames).toHaveLength(length);
    peer.wire.stalled = false;
    stage.drain(peer);
    await until(() => peer.socket.state === 'live');
    expect(shown(peer)).toHaveLength(1000);
  });
});

describe('a main socket', () => {
  it('hears what comes, of all chats of its user', async () => {
    const { id: other } = await stage.store.ok('create_group', {
      ...{ actor: 1, name: 'other', description: '', users: [2] },
    });
    await stage.follow();
    const peer = stage.connectMain(2);
    await until(() => peer.socket.state === 'live');
    await stage.store.run(say(group, 1, 'here'), say(other, 1, 'there'));
    await stage.follow();
    expect(peer.wire.frames).toMatchObject([
      { type: 'last_message', chat_id: group, text: 'here' },
      { type: 'last_message', chat_id: other, text: 'there' },
    ]);
  });

  it('that resumes is shown the newest message of each chat that has a newer one', async () => {
    const [seen] = await talk(1);
    const ids = await talk(5);
    await stage.follow();
    const peer = stage.connectMain(2, seen);
    await until(() => peer.socket.state === 'live');
    expect(shown(peer)).toEqual([ids.at(-1)]);
  });
});
