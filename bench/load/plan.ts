import type { DialectName } from './dialects.js';

/** What the load's process is to do; travels as JSON. */
export interface Plan {
  readonly dialect: DialectName;
  readonly port: number;
  readonly sockets: readonly SocketPlan[];
  /** Connections that are made at the same time. */
  readonly connectingMax: number;
  readonly load: ClosedLoop | OpenLoop;
  /** Whether this server lets the sockets of a chat see its messages in different orders; else that is a failure. */
  readonly anyOrder?: boolean;
  readonly warmupMs: number;
  readonly durationMs: number;
}

export interface SocketPlan {
  readonly path: string;
  readonly token?: string;
  readonly chat: number;
  /** Whether messages are sent on it. */
  readonly sends: boolean;
  /** Whether it is live without a first frame, and only counts what it hears: a `main` socket. */
  readonly countsOnly?: boolean;
}

/** Each sender has so many messages under way, and sends the next when it sees its own. */
export interface ClosedLoop {
  readonly kind: 'closed';
  readonly window: number;
}

/** Messages are sent at a fixed rate, the senders taking turns; latency counts from when each was due. */
export interface OpenLoop {
  readonly kind: 'open';
  readonly perSecond: number;
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What the load saw while it was measured. Times in milliseconds. */
export interface LoadResult {
  readonly seconds: number;
  readonly sent: number;
  /** Messages that came back to their sender. */
  readonly echoed: number;
  /** Messages on all sockets, senders' own included. */
  readonly delivered: number;
  /** From the send to the sender's own echo, and to the screens of the chat's others. */
  readonly echo: Percentiles;
  readonly others: Percentiles;
  /** Messages whose echo did not come until five seconds after the end. */
  readonly unanswered: number;
  /** Sockets that did not see the same messages as others of their chat. */
  readonly differing: number;
  /** Sockets that saw the same messages as others of their chat, and in another order. */
  readonly reordered: number;
  /** The first of whatever was neither a message nor expected; its count. */
  readonly unexpected: { readonly count: number; readonly first: string };
  /** Processor time of the load itself. */
  readonly processorSeconds: number;
}

export type FromLoad =
  | { readonly type: 'connected'; readonly connectMs: number }
  | { readonly type: 'measuring' }
  | { readonly type: 'measured' }
  | { readonly type: 'result'; readonly result: LoadResult };
export type ToLoad = { readonly type: 'plan'; readonly plan: Plan } | { readonly type: 'go' };
