import { setTimeout as sleep } from 'node:timers/promises';
import { Event } from '../history.js';
import type { Random } from '../random.js';
import type { World } from '../run-context.js';
import type { Guest, Population } from './population.js';

const TICK_MS = 10;
/** What could not be said while nothing went is not said all at once afterwards. */
const BURST_MS = 200;
/** Voices asked for each message that is due: some wait, or are not connected. */
const TRIES = 8;
const LOOK_EVERY_MS = 500;
const GUEST_MS_MIN = 300;
const GUEST_MS_MAX = 2500;
/** Everybody is connected again, and everything acknowledged, so many answer times after the last fault. */
const SETTLE_ANSWERS = 4;
/** What was sent in calm is seen by all within this long; hints may be lost, so a look or two. */
const DELIVER_MS = 10_000;
const LINGER_MS = 1000;
const CUT_SHARE = 0.3;

/** Makes a population talk, until it is told to come to an end. */
export class Workload {
  readonly #world: World;
  readonly #population: Population;
  readonly #random: Random;
  readonly #messagesPerSecond: number;
  readonly #timers: NodeJS.Timeout[] = [];
  #visits: Promise<void>[] = [];
  #running = false;

  constructor(world: World, population: Population, messagesPerSecond: number, random: Random) {
    this.#world = world;
    this.#population = population;
    this.#messagesPerSecond = messagesPerSecond;
    this.#random = random;
  }

  get #settleMs(): number {
    return SETTLE_ANSWERS * this.#world.answerMs;
  }

  async start(): Promise<void> {
    const { sockets, guests } = this.#population;
    for (const socket of sockets) socket.connect();
    this.#every(LOOK_EVERY_MS, () => {
      for (const voice of this.#population.voices) voice.look();
    });
    await this.#until(() => sockets.every(({ readyMs }) => readyMs > 0), this.#settleMs);
    this.#running = true;
    this.#talk();
    this.#visits = guests.map(
      (guest, index) => this.#visit(guest, this.#random.of(`guest ${index}`)).catch(() => undefined), // Told as unexpected already.
    );
  }

  /** Cuts a share of all connections, as a network that goes away. */
  cut(): void {
    for (const socket of this.#population.sockets) if (this.#random.chance(CUT_SHARE)) socket.cut();
  }

  /** True when everybody has been connected, and a message has gone through, since then. */
  recoveredSince(ms: number): boolean {
    if (this.#world.tally.newestAcknowledgedMs <= ms) return false;
    return this.#population.sockets.every(
      (socket) => socket.isReady || socket.readyMs > ms || socket.membership !== 'in',
    );
  }

  /**
   * Nobody sends any more, and all is acknowledged; then each chat has one message more, which all who are
   * connected must see.
   */
  async end(): Promise<void> {
    this.#running = false;
    const { sockets, voices } = this.#population;
    const { tally, history } = this.#world;
    await Promise.all(this.#visits);
    for (const socket of sockets) socket.stay();
    const isSettled = () =>
      voices.every(({ unacknowledged }) => unacknowledged === 0) &&
      sockets.every(({ isAttentive }) => isAttentive);
    await this.#until(isSettled, this.#settleMs);
    for (const { session, isReady, membership } of sockets) {
      if (!isReady && membership === 'in') tally.unexpected(`session_${session}`, 'not connected at the end');
    }
    history.add(Event.calm);
    const last = new Map(voices.map((voice) => [voice.socket.chatId, voice]));
    for (const voice of last.values()) voice.speak();
    await this.#until(() => voices.every(({ unacknowledged }) => unacknowledged === 0), this.#settleMs);
    for (const { socket, unacknowledged } of voices) {
      for (let count = 0; count < unacknowledged; count++)
        history.add(Event.unanswered, socket.session, 'at_the_end');
    }
    const hasSeen = (chatId: number, highest: number) => highest >= (tally.highest.get(chatId) ?? 0);
    const everybody = () => sockets.every(({ chatId, highest }) => chatId === 0 || hasSeen(chatId, highest));
    await this.#until(everybody, DELIVER_MS);
    await sleep(LINGER_MS); // For main sockets, and for what comes twice.
    history.add(Event.end);
  }

  stop(): void {
    this.#running = false;
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#population.sockets) socket.stop();
  }

  #talk(): void {
    const { now } = this.#world;
    const { voices } = this.#population;
    let lastMs = now();
    let due = 0;
    this.#every(TICK_MS, () => {
      const ms = now();
      due += ((ms - lastMs) * this.#messagesPerSecond) / 1000;
      due = Math.min(due, (BURST_MS * this.#messagesPerSecond) / 1000);
      lastMs = ms;
      for (let tries = Math.ceil(due) * TRIES; this.#running && due >= 1 && tries > 0; tries--) {
        const voice = this.#random.pick(voices);
        if (!voice.canSpeak) continue;
        voice.speak();
        due -= 1;
      }
    });
  }

  /** Removes and adds a guest, and ends with them as a member. */
  async #visit({ account, groupId, owner, sockets }: Guest, random: Random): Promise<void> {
    const { history } = this.#world;
    const pause = () => this.#until(() => !this.#running, random.from(GUEST_MS_MIN, GUEST_MS_MAX));
    const change = (membership: 'in' | 'out' | 'changing') => {
      for (const socket of sockets) socket.membership = membership;
    };
    for (await pause(); this.#running; await pause()) {
      change('changing');
      history.add(Event.leaving, groupId, account.id);
      await owner.removeMember(groupId, account.id);
      history.add(Event.left, groupId, account.id);
      change('out');
      await pause();
      change('changing');
      history.add(Event.joining, groupId, account.id);
      await owner.addMember(groupId, account.id);
      history.add(Event.joined, groupId, account.id);
      change('in');
      for (const socket of sockets) socket.connect();
    }
  }

  #every(ms: number, what: () => void): void {
    this.#timers.push(setInterval(what, ms));
  }

  /** Resolves when it is so, or when the time is over: what is missing then, the checker will find. */
  async #until(isSo: () => boolean, ms: number): Promise<void> {
    const deadline = this.#world.now() + ms;
    while (!isSo() && this.#world.now() < deadline) await sleep(TICK_MS);
  }
}
