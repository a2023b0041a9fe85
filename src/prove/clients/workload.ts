import { setTimeout as sleep } from 'node:timers/promises';
import { Event } from '../history.js';
import type { Random } from '../random.js';
import type { RunContext } from '../run-context.js';
import type { Membership } from './client-socket.js';
import type { Guest, Population } from './population.js';

const TICK_MS = 10;
/** Messages that were due while nobody could send are made up for only as far as this time brings them. */
const BURST_MS = 200;
/** How many senders are asked for each message that is due: some must wait, or are not connected. */
const SENDERS_TRIED = 8;
const CHECK_OVERDUE_EVERY_MS = 500;
const GUEST_MS_MIN = 300;
const GUEST_MS_MAX = 2500;
/** So many answer times after the last fault, all are connected again and everything is acknowledged. */
const SETTLE_ANSWERS = 4;
/** Everybody sees what was sent in calm within this time; hints may be lost, so workers look by themselves. */
const DELIVER_MS = 10_000;
/** After that, main sockets get their messages, and a message that comes twice has time to do so. */
const LINGER_MS = 1000;
const CUT_SHARE = 0.3;
const CUT_AT_END_SHARE = 0.7;

/** Lets a population connect, send, and come and go, until it is told to end. */
export class Workload {
  readonly #context: RunContext;
  readonly #population: Population;
  readonly #random: Random;
  readonly #messagesPerSecond: number;
  readonly #timers: NodeJS.Timeout[] = [];
  #visits: Promise<void>[] = [];
  #isRunning = false;

  constructor(context: RunContext, population: Population, messagesPerSecond: number, random: Random) {
    this.#context = context;
    this.#population = population;
    this.#messagesPerSecond = messagesPerSecond;
    this.#random = random;
  }

  /** Resolves when all are connected, or when the time for that is over; from then on they send. */
  async start(): Promise<void> {
    const { sockets, senders, guests } = this.#population;
    for (const socket of sockets) socket.connect();
    this.#every(CHECK_OVERDUE_EVERY_MS, () => {
      for (const sender of senders) sender.checkOverdue();
    });
    await this.#until(() => sockets.every(({ readyMs }) => readyMs > 0), this.#settleMs);
    this.#isRunning = true;
    this.#keepSending();
    this.#visits = guests.map((guest, index) =>
      // A request that fails is counted as unexpected where it fails.
      this.#comeAndGo(guest, this.#random.of(`guest ${index}`)).catch(() => undefined),
    );
  }

  /** Cuts a share of all connections, as a network does that fails. */
  cut(): void {
    for (const socket of this.#population.sockets) if (this.#random.chance(CUT_SHARE)) socket.cut();
  }

  /** True when since then everybody has been connected, and a message was sent and acknowledged. */
  hasRecoveredSince(ms: number): boolean {
    if (this.#context.tally.newestAcknowledgedMs <= ms) return false;
    return this.#population.sockets.every(
      (socket) => socket.isReady || socket.readyMs > ms || socket.membership !== 'in',
    );
  }

  /**
   * Ends in three steps: nobody sends any more, and everything is acknowledged; then many connect again, and are shown
   * what there is now; then each chat gets one message more, which all who are connected must see.
   */
  async end(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#visits);
    await this.#settle();
    for (const socket of this.#population.sockets) if (this.#random.chance(CUT_AT_END_SHARE)) socket.cut();
    await this.#settle();
    this.#countUnconnected();
    this.#context.history.add(Event.calm);
    await this.#sendLast();
    const { sockets } = this.#population;
    const { highest: acknowledged } = this.#context.tally;
    const everybodyHasSeen = () =>
      sockets.every(({ chatId, highest }) => chatId === 0 || highest >= (acknowledged.get(chatId) ?? 0));
    await this.#until(everybodyHasSeen, DELIVER_MS);
    await sleep(LINGER_MS);
    this.#context.history.add(Event.end);
  }

  stop(): void {
    this.#isRunning = false;
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#population.sockets) socket.stop();
  }

  get #settleMs(): number {
    return SETTLE_ANSWERS * this.#context.answerMs;
  }

  /** Waits until all are connected and read, and nothing is unacknowledged. */
  async #settle(): Promise<void> {
    const { sockets, senders } = this.#population;
    for (const socket of sockets) socket.holdSteady();
    const isSettled = () =>
      senders.every(({ unacknowledged }) => unacknowledged === 0) &&
      sockets.every(({ isReading }) => isReading);
    await this.#until(isSettled, this.#settleMs);
  }

  #countUnconnected(): void {
    for (const { session, isReady, membership } of this.#population.sockets) {
      if (!isReady && membership === 'in')
        this.#context.tally.unexpected(`session_${session}`, 'not connected at the end');
    }
  }

  /** Sends one message in each chat, and counts what is not acknowledged in time as unanswered. */
  async #sendLast(): Promise<void> {
    const { senders } = this.#population;
    const byChat = new Map(senders.map((sender) => [sender.socket.chatId, sender]));
    for (const sender of byChat.values()) sender.sendMessage();
    await this.#until(() => senders.every(({ unacknowledged }) => unacknowledged === 0), this.#settleMs);
    for (const { socket, unacknowledged } of senders) {
      for (let count = 0; count < unacknowledged; count++)
        this.#context.history.add(Event.unanswered, socket.session, 'at_the_end');
    }
  }

  #keepSending(): void {
    const { now } = this.#context;
    const { senders } = this.#population;
    let lastMs = now();
    let due = 0;
    this.#every(TICK_MS, () => {
      const ms = now();
      due += ((ms - lastMs) * this.#messagesPerSecond) / 1000;
      due = Math.min(due, (BURST_MS * this.#messagesPerSecond) / 1000);
      lastMs = ms;
      for (let tries = Math.ceil(due) * SENDERS_TRIED; this.#isRunning && due >= 1 && tries > 0; tries--) {
        const sender = this.#random.pick(senders);
        if (!sender.canSend) continue;
        sender.sendNew();
        due -= 1;
      }
    });
  }

  /** Has a guest removed and added again, and ends when the guest is a member. */
  async #comeAndGo({ user, groupId, owner, sockets }: Guest, random: Random): Promise<void> {
    const { history } = this.#context;
    const pause = () => this.#until(() => !this.#isRunning, random.from(GUEST_MS_MIN, GUEST_MS_MAX));
    const setMembership = (membership: Membership) => {
      for (const socket of sockets) socket.membership = membership;
    };
    for (await pause(); this.#isRunning; await pause()) {
      setMembership('changing');
      history.add(Event.leaving, groupId, user.id);
      await owner.removeMember(groupId, user.id);
      history.add(Event.left, groupId, user.id);
      setMembership('out');
      await pause();
      setMembership('changing');
      history.add(Event.joining, groupId, user.id);
      await owner.addMember(groupId, user.id);
      history.add(Event.joined, groupId, user.id);
      setMembership('in');
      for (const socket of sockets) socket.connect();
    }
  }

  #every(ms: number, act: () => void): void {
    this.#timers.push(setInterval(act, ms));
  }

  /** Resolves when it is true, or when the time is over: the checker finds what is missing then. */
  async #until(isTrue: () => boolean, ms: number): Promise<void> {
    const deadline = this.#context.now() + ms;
    while (!isTrue() && this.#context.now() < deadline) await sleep(TICK_MS);
  }
}
