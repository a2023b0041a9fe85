import { expect } from 'vitest';
import { TestServer } from '../../support/server.js';
import { join, type StrictUser, stopUnharmed } from '../../support/strict.js';
import { ALICE, BOB, type Case, CHAT, type Fate, GOOD, head } from './case.js';
import { isFramed, Peer } from './peer.js';

/** What is closed for what came on it is closed by then. What rests is closed seconds later, by the clock of the engine. */
const PULSES_MAX = 20;
const PULSE = head('GET /healthz HTTP/1.1', 'Host: parley');

/** The stage of the running suite. */
export type CurrentStage = () => Stage;

/** A server for all cases. One worker: so what one connection wrote is read before what a later one does. */
export class Stage {
  readonly #server: TestServer;
  readonly #alice: StrictUser;
  readonly #pids: Awaited<ReturnType<TestServer['pids']>>;

  private constructor(server: TestServer, alice: StrictUser, pids: Awaited<ReturnType<TestServer['pids']>>) {
    this.#server = server;
    this.#alice = alice;
    this.#pids = pids;
  }

  static async open(): Promise<Stage> {
    const server = await TestServer.start({ workers: 1 });
    const alice = await join(server, 'Alice');
    const bob = await join(server, 'Bob');
    expect([alice.id, bob.id, await alice.chatWith(bob)]).toEqual([ALICE, BOB, CHAT]);
    const stage = new Stage(server, alice, await server.pids());
    await stage.isWell(); // The token of the cases is known from here on: an answer takes no tick for it.
    return stage;
  }

  /** Stops a server that is the one that was started, did what it was asked for and nothing else. */
  async close(): Promise<void> {
    const rooms: { name: string }[] = (await this.#alice.get('/chats')).body.rooms;
    expect(rooms.filter(({ name }) => name === 'smuggled')).toEqual([]);
    expect(await this.#server.pids()).toEqual(this.#pids);
    await stopUnharmed(this.#server);
  }

  /** How many groups of Alice have this name. */
  async groupsNamed(name: string): Promise<number> {
    const rooms: { name: string }[] = (await this.#alice.get('/chats')).body.rooms;
    return rooms.filter((room) => room.name === name).length;
  }

  peer(): Promise<Peer> {
    return Peer.open(this.#server.port);
  }

  /** Resolves when the server has read what was written before, on any connection, and was well. */
  async pulse(): Promise<void> {
    const peer = await this.peer();
    peer.write(PULSE);
    await peer.hears(1);
    expect(peer.answers.map(({ status }) => status)).toEqual([200]);
    peer.cut();
  }

  /** The server ends the connection for what came on it, not because its time is over. */
  async ends(peer: Peer): Promise<void> {
    for (let pulses = 0; pulses < PULSES_MAX && !peer.ended; pulses++) await this.pulse();
    expect(peer.ended, 'the connection has ended').toBe(true);
  }

  /** Writes these bytes, each piece after the one before has been read. */
  async send(peer: Peer, pieces: readonly string[]): Promise<void> {
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) await this.pulse();
      peer.write(piece);
    }
  }

  /** The bytes get these answers, and the connection this fate; others get theirs as before. */
  async plays({ sends, gets, fate, deviates }: Case): Promise<void> {
    const peer = await this.peer();
    await this.send(peer, sends);
    await peer.hears(gets.length);
    if (fate === 'closed') await this.ends(peer);
    if (fate === 'kept') {
      peer.write(GOOD);
      await peer.hears(gets.length + 1);
    }
    // What was not to be answered has been read by now; its answer would be there after the second.
    await this.pulse();
    await this.pulse();
    expect(this.#seen(peer, fate)).toEqual({ gets, fate });
    const isHead = sends[0]?.startsWith('HEAD ') ?? false;
    const toHead = isHead && deviates !== 'the engine’s own answer to a HEAD has a body';
    for (const [index, answer] of peer.answers.entries())
      expect(isFramed(answer, toHead && index === 0), JSON.stringify(answer)).toBe(true);
    peer.cut();
    await this.isWell();
  }

  /** A good request on a new connection is answered. */
  async isWell(): Promise<void> {
    const peer = await this.peer();
    peer.write(GOOD);
    await peer.hears(1);
    expect(peer.answers.map(isGood)).toEqual([true]);
    peer.cut();
  }

  #seen(peer: Peer, fate: Fate): { gets: number[]; fate: Fate | 'open' } {
    const gets = peer.answers.map(({ status }) => status);
    if (peer.ended) return { gets, fate: 'closed' };
    if (fate !== 'kept') return { gets, fate: fate === 'closed' ? 'open' : 'waiting' };
    const last = peer.answers.at(-1);
    if (last === undefined || !isGood(last)) return { gets, fate: 'open' };
    return { gets: gets.slice(0, -1), fate: 'kept' };
  }
}

function isGood({ status, body }: { status: number; body: string }): boolean {
  return status === 200 && body.startsWith(`{"id":${ALICE},`);
}
