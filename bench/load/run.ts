import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { DIALECTS, type Dialect, NUMBER_DIGITS, TEXT } from './dialects.js';
import { percentiles, record } from './latency.js';
import type { ClosedLoop, LoadResult, OpenLoop, Plan } from './plan.js';
import { LoadSocket, type SocketEvents } from './socket.js';

/** Messages that can be under way at once. */
const SLOTS = 1 << 20;
const ZERO = '0'.charCodeAt(0);
const TICK_MS = 1;
const ANSWER_MS_MAX = 5000;

/** One run of a load: its sockets, what they send, and what comes back. */
export class Load implements SocketEvents {
  readonly #plan: Plan;
  readonly #dialect: Dialect;
  #sockets: LoadSocket[] = [];
  #senders: LoadSocket[] = [];
  readonly #frames = new Map<LoadSocket, { frame: Buffer; digitsAt: number }>();
  /** By the message's number: when it was due, and who sent it. */
  readonly #sentAt = new Float64Array(SLOTS);
  readonly #sentBy = new Int32Array(SLOTS);
  #now = 0;
  #next = 0;
  #sending = false;
  #measuring = false;
  #count = { sent: 0, echoed: 0, delivered: 0 };
  #answered = 0;
  readonly #unexpected = { count: 0, first: '' };
  readonly #echo = createHistogram();
  readonly #others = createHistogram();

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#dialect = DIALECTS[plan.dialect];
  }

  /** Resolves when all sockets are live, to the milliseconds that it took. */
  async connect(): Promise<number> {
    const { sockets, connectingMax, port } = this.#plan;
    const start = performance.now();
    const queue = sockets.entries();
    const opened: LoadSocket[] = [];
    const connectNext = async () => {
      for (const [index, socket] of queue) {
        opened[index] = await LoadSocket.open(socket, index, port, this.#dialect, this);
      }
    };
    await Promise.all(Array.from({ length: connectingMax }, connectNext));
    this.#sockets = opened;
    this.#senders = opened.filter(({ plan }) => plan.sends);
    for (const sender of this.#senders) {
      this.#frames.set(sender, this.#dialect.message(sender.plan.chat, TEXT));
    }
    return performance.now() - start;
  }

  /** Sends as planned. Calls `measuring` at the end of the warm-up, and `measured` at the end of the measurement. */
  async run(phases: { measuring(): void; measured(): void }): Promise<LoadResult> {
    const { load, warmupMs, durationMs } = this.#plan;
    this.#sending = true;
    const stop = load.kind === 'closed' ? this.#closedLoop(load) : this.#openLoop(load);
    await sleep(warmupMs);
    const before = process.cpuUsage();
    const begin = performance.now();
    this.#count = { sent: 0, echoed: 0, delivered: 0 };
    this.#measuring = true;
    phases.measuring();
    await sleep(durationMs);
    this.#measuring = false;
    const seconds = (performance.now() - begin) / 1000;
    const count = { ...this.#count };
    const { user, system } = process.cpuUsage(before);
    phases.measured();
    this.#sending = false;
    stop();
    const deadline = performance.now() + ANSWER_MS_MAX;
    while (this.#answered < this.#next && performance.now() < deadline) await sleep(10);
    while (this.#compared().differing > 0 && performance.now() < deadline) await sleep(10);
    return {
      seconds,
      ...count,
      echo: percentiles(this.#echo),
      others: percentiles(this.#others),
      unanswered: this.#next - this.#answered,
      ...this.#compared(),
      unexpected: { ...this.#unexpected },
      processorSeconds: (user + system) / 1e6,
    };
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  message(socket: LoadSocket, chunk: Buffer, end: number): void {
    this.#count.delivered += 1;
    if (socket.plan.countsOnly) return;
    let number = 0;
    const last = end - this.#dialect.numberEndsBefore;
    for (let at = last - NUMBER_DIGITS; at < last; at++) number = number * 10 + (chunk[at] ?? 0) - ZERO;
    socket.seen += 1;
    socket.which = (socket.which + number) | 0;
    socket.order = (Math.imul(socket.order, 31) + number) | 0;
    const slot = number & (SLOTS - 1);
    if (this.#now === 0) this.#now = performance.now();
    if (this.#sentBy[slot] !== socket.index) {
      if (this.#measuring) record(this.#others, this.#now - (this.#sentAt[slot] ?? 0));
      return;
    }
    this.#answered += 1;
    this.#count.echoed += 1;
    if (this.#measuring) record(this.#echo, this.#now - (this.#sentAt[slot] ?? 0));
    if (this.#sending && this.#plan.load.kind === 'closed')
      socket.due.push(this.#nextFrame(socket, this.#now));
  }

  readEnded(socket: LoadSocket): void {
    this.#now = 0;
    const [first, second] = socket.due;
    if (first === undefined) return;
    socket.send(second === undefined ? first : Buffer.concat(socket.due));
    socket.due.length = 0;
  }

  unexpected(what: string): void {
    this.#unexpected.count += 1;
    if (this.#unexpected.count === 1) this.#unexpected.first = what;
  }

  #closedLoop({ window }: ClosedLoop): () => void {
    const now = performance.now();
    for (const sender of this.#senders) {
      sender.send(Buffer.concat(Array.from({ length: window }, () => this.#nextFrame(sender, now))));
    }
    return () => undefined;
  }

  #openLoop({ perSecond }: OpenLoop): () => void {
    const start = performance.now();
    let count = 0;
    const timer = setInterval(() => {
      const now = performance.now();
      for (; count < ((now - start) / 1000) * perSecond; count++) {
        const sender = this.#senders[count % this.#senders.length];
        sender?.send(this.#nextFrame(sender, start + (count / perSecond) * 1000));
      }
    }, TICK_MS);
    return () => clearInterval(timer);
  }

  /** Each socket with the first of its chat. */
  #compared(): Pick<LoadResult, 'differing' | 'reordered'> {
    const first = new Map<number, LoadSocket>();
    let differing = 0;
    let reordered = 0;
    for (const socket of this.#sockets) {
      const one = first.get(socket.plan.chat) ?? socket;
      first.set(socket.plan.chat, one);
      if (socket.seen !== one.seen || socket.which !== one.which) differing += 1;
      else if (socket.order !== one.order) reordered += 1;
    }
    return { differing, reordered };
  }

  /** A copy: what was written before may still lie in its socket. */
  #nextFrame(sender: LoadSocket, dueAt: number): Buffer {
    const template = this.#frames.get(sender);
    if (template === undefined) throw new Error('not a sender');
    const number = this.#next;
    this.#next += 1;
    this.#count.sent += 1;
    const slot = number & (SLOTS - 1);
    this.#sentAt[slot] = dueAt;
    this.#sentBy[slot] = sender.index;
    const frame = Buffer.from(template.frame);
    for (let at = template.digitsAt + NUMBER_DIGITS - 1, rest = number; rest > 0; at--) {
      frame[at] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    return frame;
  }
}
