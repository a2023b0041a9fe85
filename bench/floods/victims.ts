import { Agent, get } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { tokenOf } from '../targets/parley.js';
import type { FloodSetup } from './stage.js';

/** The rate of all victims together. */
const MESSAGES_PER_S = 100;
const REQUESTS_PER_S = 50;
const CONNECTIONS_PER_S = 40;
const TICK_MS = 2;
/** The server may end a kept connection that has rested for 8 s, which may be just when it is used again. */
const RESTED_MS = 5000;
const RECONNECT_MS = 100;
const LOOK_EVERY_MS = 20;

/** The names of the latencies, each of which counts in milliseconds from when the request was due. */
export const MEASURED = ['echo', 'request', 'connection'] as const;
export type Measured = (typeof MEASURED)[number];

/** The latencies and errors of a phase. */
export interface PhaseFound {
  readonly ms: Readonly<Record<Measured, readonly number[]>>;
  /** How often each error happened. */
  readonly errors: Readonly<Record<string, number>>;
}

class Phase {
  readonly ms: Record<Measured, number[]> = { echo: [], request: [], connection: [] };
  readonly errors: Record<string, number> = {};
  pending = 0;

  erred(what: string): void {
    this.errors[what] = (this.errors[what] ?? 0) + 1;
  }
}

interface Victim {
  readonly token: string;
  readonly pair: number;
  speaker: WebSocket | undefined;
}

/** Users who send messages, make requests and connect at a steady low rate. */
export class Victims {
  readonly #setup: FloodSetup;
  readonly #agent = new Agent({ keepAlive: true });
  /** When the last request was sent on each kept connection. */
  readonly #usedAt = new WeakMap<Socket, number>();
  readonly #victims: Victim[];
  /** The messages whose echo has not come yet, by `client_id`. */
  readonly #sent = new Map<
    string,
    { readonly dueAt: number; readonly phase: Phase; readonly by: WebSocket }
  >();
  #phase = new Phase();
  #said = 0;

  private constructor(setup: FloodSetup, victims: Victim[]) {
    this.#setup = setup;
    this.#victims = victims;
  }

  static async connect(setup: FloodSetup): Promise<Victims> {
    const tokens = await Promise.all(setup.victims.map(tokenOf));
    const people = tokens.map((token, index): Victim => {
      return { token, pair: setup.pairs[index >> 1] ?? 0, speaker: undefined };
    });
    const victims = new Victims(setup, people);
    for (const victim of people) {
      await victims.#stay(victim, `/group/${victim.pair}`, true);
      await victims.#stay(victim, `/group/${setup.sharedGroup}`, false);
    }
    victims.#every(MESSAGES_PER_S, (victim, dueAt) => victims.#say(victim, dueAt));
    victims.#every(REQUESTS_PER_S, (victim, dueAt) => victims.#ask(victim, dueAt));
    victims.#every(CONNECTIONS_PER_S, (victim, dueAt) => victims.#comeAndGo(victim, dueAt));
    return victims;
  }

  /** Begins a new phase, to which all that is due from here on belongs. */
  begin(): void {
    this.#phase = new Phase();
  }

  /** Resolves when everything of the phase is answered, or has failed. */
  async end(): Promise<PhaseFound> {
    const phase = this.#phase;
    this.#phase = new Phase();
    const { answerMsMax } = this.#setup;
    const deadline = performance.now() + answerMsMax;
    while (phase.pending > 0 && performance.now() < deadline) await sleep(LOOK_EVERY_MS);
    for (; phase.pending > 0; phase.pending--) phase.erred(`no answer within ${answerMsMax} ms`);
    return { ms: phase.ms, errors: phase.errors };
  }

  /** Lets one victim after the other act when its turn is due. */
  #every(perSecond: number, act: (victim: Victim, dueAt: number) => void): void {
    const start = performance.now();
    let count = 0;
    setInterval(() => {
      for (let dueAt = start; ; count++) {
        dueAt = start + (count / perSecond) * 1000;
        const victim = this.#victims[count % this.#victims.length];
        if (dueAt > performance.now() || victim === undefined) return;
        act(victim, dueAt);
      }
    }, TICK_MS);
  }

  #say(victim: Victim, dueAt: number): void {
    this.#said += 1;
    const clientId = `victim-${this.#said}`;
    const phase = this.#phase;
    if (victim.speaker === undefined) return phase.erred('has no socket to speak on');
    phase.pending += 1;
    this.#sent.set(clientId, { dueAt, phase, by: victim.speaker });
    victim.speaker.send(
      JSON.stringify({ type: 'message', text: `Hello ${this.#said}`, client_id: clientId }),
    );
  }

  #ask({ token }: Victim, dueAt: number): void {
    const phase = this.#phase;
    this.#request(token, this.#due(phase, 'request', dueAt));
  }

  /** Asks once more when the server ended a connection that had rested in the moment in which it was used again. */
  #request(token: string, done: (error?: string) => void): void {
    const asked = get(
      {
        agent: this.#agent,
        host: '127.0.0.1',
        port: this.#setup.port,
        path: '/api/v1/user',
        headers: { authorization: `Bearer ${token}` },
      },
      (response) => {
        response.resume();
        response.on('end', () =>
          done(response.statusCode === 200 ? undefined : `status ${response.statusCode}`),
        );
      },
    );
    let hadRested = false;
    asked.on('socket', (socket) => {
      hadRested = performance.now() - (this.#usedAt.get(socket) ?? Number.POSITIVE_INFINITY) > RESTED_MS;
      this.#usedAt.set(socket, performance.now());
    });
    asked.on('error', (error: NodeJS.ErrnoException) => {
      if (hadRested && error.code === 'ECONNRESET') this.#request(token, done);
      else done(`request: ${error.code ?? error.message}`);
    });
  }

  #comeAndGo({ token, pair }: Victim, dueAt: number): void {
    const done = this.#due(this.#phase, 'connection', dueAt);
    const ws = this.#open(`/group/${pair}`, token);
    ws.on('error', (error: NodeJS.ErrnoException) => done(`connection: ${error.code ?? error.message}`));
    ws.on('close', (code) => done(`connection closed ${code}`)); // When both come, the first counts.
    ws.once('message', () => {
      done(undefined);
      ws.close();
    });
  }

  /** Keeps a socket connected: its end is an error, and it connects again. Resolves when it is live. */
  #stay(victim: Victim, path: string, speaks: boolean): Promise<void> {
    return new Promise((resolve) => {
      const ws = this.#open(path, victim.token);
      ws.once('message', () => {
        if (speaks) victim.speaker = ws;
        resolve();
      });
      ws.on('message', (data: Buffer) => this.#hear(ws, data.toString()));
      ws.on('error', () => undefined); // `close` follows.
      ws.on('close', (code) => {
        if (speaks) victim.speaker = undefined;
        this.#phase.erred(`socket closed ${code}`);
        setTimeout(() => void this.#stay(victim, path, speaks).then(resolve), RECONNECT_MS);
      });
    });
  }

  #hear(ws: WebSocket, frame: string): void {
    const code = /^\{"type":"error","code":"(\w+)"/.exec(frame)?.[1];
    const clientId = /"client_id":"(victim-\d+)"\}$/.exec(frame)?.[1] ?? '';
    const sent = this.#sent.get(clientId);
    if (code !== undefined) (sent?.phase ?? this.#phase).erred(`error frame ${code}`);
    if (sent?.by !== ws) return; // It is another victim's message, or was not sent by one.
    this.#sent.delete(clientId);
    sent.phase.pending -= 1;
    if (code === undefined) sent.phase.ms.echo.push(performance.now() - sent.dueAt);
  }

  #due(phase: Phase, what: Measured, dueAt: number): (error: string | undefined) => void {
    phase.pending += 1;
    let over = false;
    return (error) => {
      if (over) return;
      over = true;
      phase.pending -= 1;
      if (error !== undefined) phase.erred(error);
      else phase.ms[what].push(performance.now() - dueAt);
    };
  }

  #open(path: string, token: string): WebSocket {
    return new WebSocket(`ws://127.0.0.1:${this.#setup.port}/api/v1${path}`, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
  }
}
