import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { processorSeconds } from '../measure/processes.js';
import type { Target } from '../targets/target.js';
import type { DialectName } from './dialects.js';
import type { SocketPlan } from './plan.js';

const PROCESS = fileURLToPath(new URL('./connections-process.js', import.meta.url));

export type ToConnections =
  | {
      readonly type: 'open';
      readonly port: number;
      readonly dialect: DialectName;
      readonly sockets: readonly SocketPlan[];
      /** Connections that are made at the same time. */
      readonly connectingMax: number;
    }
  | { readonly type: 'close' };

/** What came while sockets were opened, until each was live. */
export interface Opened {
  readonly seconds: number;
  readonly messages: number;
  /** The bytes of the payloads, without the heads of frames. */
  readonly bytes: number;
  /** Processor time of the process that opened them. */
  readonly processorSeconds: number;
}

/** Each answers one of the above. */
export interface FromConnections {
  readonly opened: Opened | undefined;
  /** What no server should do, on any socket since the last answer. */
  readonly unexpected: readonly string[];
}

/** Sockets that are opened and then do nothing, held by a process of their own. */
export class Connections {
  readonly #target: Target;
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor(target: Target) {
    this.#target = target;
    this.#child = fork(PROCESS, { serialization: 'json' });
    this.#ended = once(this.#child, 'exit').then(([code]) => {
      throw new Error(`the process of ${target.name}'s connections ended with ${code}`);
    });
    this.#ended.catch(() => undefined);
  }

  /**
   * Opens more. Resolves when all are live, with the processor time that they cost the server. Rejects when one is
   * refused, or when one that was open before did not stay so.
   */
  async open(
    dialect: DialectName,
    sockets: readonly SocketPlan[],
    connectingMax: number,
  ): Promise<Opened & { readonly serverSeconds: number }> {
    const before = processorSeconds(this.#target.pids());
    const opened = await this.#ask({
      type: 'open',
      port: this.#target.port,
      dialect,
      sockets,
      connectingMax,
    });
    if (opened === undefined) throw new Error('nothing was opened');
    return { ...opened, serverSeconds: processorSeconds(this.#target.pids()) - before };
  }

  /** Closes all. Rejects when one did not stay open. */
  async close(): Promise<void> {
    await this.#ask({ type: 'close' });
  }

  stop(): void {
    this.#child.kill();
  }

  async #ask(message: ToConnections): Promise<Opened | undefined> {
    this.#child.send(message);
    const [answer] = (await Promise.race([once(this.#child, 'message'), this.#ended])) as [FromConnections];
    const { opened, unexpected } = answer;
    const [first] = unexpected;
    if (first !== undefined)
      throw new Error(`${this.#target.name}: ${unexpected.length} unexpected, first: ${first}`);
    return opened;
  }
}
