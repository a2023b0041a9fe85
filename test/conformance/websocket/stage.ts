import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { TestServer } from '../../support/server.js';
import type { TestUser } from '../../support/user.js';
import { type Case, isEnd, type Manner, pinned, writesOf } from './case.js';
import { say, text } from './frame.js';
import { Peer } from './peer.js';

/** Between two writes that the server is to read one by one. */
const WRITES_APART_MS = 1;
/** Connections at a time, for cases that take many. */
const LANES = 16;

export const HANDSHAKE_KEY = 'dGhlIHNhbXBsZSBub25jZQ=='; // RFC 6455, 1.3

/** A group to speak in, and a socket that hears all of it. */
interface Lane {
  readonly path: string;
  readonly witness: Peer;
}

interface Way {
  readonly manner: Manner;
  readonly writes: readonly Buffer[];
  readonly name: string;
}

/** Where cases are played: each connection has a group to itself. */
export class Stage {
  readonly #server: TestServer;
  readonly #user: TestUser;
  /** Those that nobody plays in. */
  readonly #lanes: Lane[] = [];
  readonly #waiting: ((lane: Lane) => void)[] = [];
  /** A group in which no case is played. */
  readonly path: string;
  #markers = 0;

  private constructor(server: TestServer, user: TestUser, path: string) {
    this.#server = server;
    this.#user = user;
    this.path = path;
  }

  static async open(server: TestServer): Promise<Stage> {
    const alice = await server.user('Alice');
    const stage = new Stage(server, alice, `/group/${await alice.groupWith()}`);
    for (let n = 0; n < LANES; n++) {
      const path = `/group/${await alice.groupWith()}`;
      stage.#lanes.push({ path, witness: await stage.connect(path) });
    }
    return stage;
  }

  close(): void {
    for (const { witness } of this.#lanes) witness.cut();
  }

  /** The headers of a good handshake. */
  get headers(): Record<string, string> {
    return {
      Host: `127.0.0.1:${this.#server.port}`,
      Authorization: `Bearer ${this.#user.token}`,
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Key': HANDSHAKE_KEY,
      'Sec-WebSocket-Version': '13',
    };
  }

  dial(): Promise<Peer> {
    return Peer.dial(this.#server.port);
  }

  /** A socket of this path that is live: its history of so many messages, which is left out here, has come. */
  async connect(path: string, limit = 0): Promise<Peer> {
    const peer = await this.dial();
    const lines = Object.entries(this.headers).map(([name, value]) => `${name}: ${value}`);
    peer.write(`${[`GET ${addressOf(path, limit)} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`);
    await peer.did('history');
    expect(peer.steps.splice(0)).toEqual(['history']);
    return peer;
  }

  /** Plays a case in each of its manners, and expects of the server exactly what is pinned. */
  async play(played: Case): Promise<void> {
    const ways = (played.manners ?? ['in one write']).flatMap((manner) =>
      writesOf(played.sends, manner).map((writes, index) => ({ manner, writes, name: `${manner} ${index}` })),
    );
    const plays = ways.map(async (way) => {
      const lane = await this.#take();
      await this.#playIn(lane, played, way).finally(() => this.#give(lane));
    });
    for (const play of await Promise.allSettled(plays)) if (play.status === 'rejected') throw play.reason;
  }

  /** A lane that is free, or will be. */
  async #take(): Promise<Lane> {
    const lane = this.#lanes.pop();
    return lane ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  #give(lane: Lane): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#lanes.push(lane);
    else next(lane);
  }

  async #playIn(lane: Lane, played: Case, { manner, writes, name }: Way): Promise<void> {
    const expected = pinned(played);
    const stays = !isEnd(expected.at(-1));
    const peer = await this.connect(lane.path);
    for (const [index, bytes] of writes.entries()) {
      if (manner === 'answer by answer') await peer.steppedTo(index);
      else if (index > 0) await pause(WRITES_APART_MS);
      peer.write(bytes);
    }
    if (played.leaves) peer.finish();
    // What is said last is heard last: with the marker, there is nothing more to come.
    const own = this.#marker();
    if (stays) peer.write(text(say(own)));
    await (stays ? peer.did(`message ${own}`) : peer.ended());
    peer.cut();
    const last = peer.steps.includes(`message ${own}`) ? own : this.#marker();
    if (last !== own) lane.witness.write(text(say(last)));
    await lane.witness.did(`message ${last}`);
    const heard = lane.witness.steps.splice(0);
    const stored = played.stored?.map((words) => `message ${words}`) ?? expected.filter(isMessage);
    const seen = stays ? [...expected, `message ${own}`] : expected;
    expect(inTurn(peer.steps), name).toEqual(inTurn(seen));
    expect(heard, `stored, ${name}`).toEqual([...stored, `message ${last}`]);
  }

  #marker(): string {
    return `marker ${this.#markers++}`;
  }
}

/** Where a socket of this path begins with so many messages. */
export function addressOf(path: string, limit = 0): string {
  return `/api/v1${path}?limit=${limit}`;
}

/** A message is heard when it is on disk, everything else at once: each kind has an order of its own. */
function inTurn(steps: readonly string[]) {
  return { heard: steps.filter(isMessage), answered: steps.filter((step) => !isMessage(step)) };
}

function isMessage(step: string): boolean {
  return step.startsWith('message ');
}
