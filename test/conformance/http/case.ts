import { ENGINE } from '../../support/engine.js';
import { forge } from '../../support/tokens.js';
import type { DeviationName } from './deviations.js';

/** What becomes of a connection after the last answer. */
export type Fate =
  /** It is kept: the next request on it is answered. */
  | 'kept'
  /** The server ends it. */
  | 'closed'
  /** The server waits for more of what was begun, and answers nothing until that comes or its time is over. */
  | 'waiting';

export interface Case {
  /** What the client sends, in words. */
  readonly what: string;
  /** Bytes, one for each character. Of several pieces, each is read before the next is sent. */
  readonly sends: readonly string[];
  /** The statuses of all answers, in order. */
  readonly gets: readonly number[];
  readonly fate: Fate;
  /** The RFC asks for something else: the name under which that is known. */
  readonly deviates?: DeviationName;
}

type Sends = string | readonly string[];

export function kept(what: string, sends: Sends, ...gets: number[]): Case {
  return { what, sends: [sends].flat(), gets, fate: 'kept' };
}

export function closed(what: string, sends: Sends, ...gets: number[]): Case {
  return { what, sends: [sends].flat(), gets, fate: 'closed' };
}

export function waiting(what: string, sends: Sends, ...gets: number[]): Case {
  return { what, sends: [sends].flat(), gets, fate: 'waiting' };
}

export function deviating(name: DeviationName, ...cases: readonly Case[]): Case[] {
  return cases.map((one) => ({ ...one, deviates: name }));
}

/** Cases in which the older engine deviates, and the newer one does `instead` what is right. */
export function mended(
  name: DeviationName,
  instead: Pick<Case, 'gets' | 'fate'>,
  ...cases: readonly Case[]
): Case[] {
  return ENGINE === 'older' ? deviating(name, ...cases) : cases.map((one) => ({ ...one, ...instead }));
}

export function titleOf({ what, gets, fate, deviates }: Case): string {
  const answers = gets.length > 4 ? `${gets.length} answers` : gets.join(', ') || 'no answer';
  return `${what} → ${answers}, ${fate}${deviates === undefined ? '' : ` (deviates: ${deviates})`}`;
}

/** Who asks, and what there is: the first ids that a new server gives. */
export const ALICE = 1;
export const BOB = 2;
export const CHAT = 1;

export const HOST = 'Host: parley';
export const TOKEN = `Authorization: Bearer ${forge({ alg: 'HS256' }, { sub: ALICE })}`;
export const JSON_TYPE = 'Content-Type: application/json';
export const CHUNKED = 'Transfer-Encoding: chunked';

/** The head of a request, from its first line to the empty one. */
export function head(line: string, ...fields: readonly string[]): string {
  return [line, ...fields, '', ''].join('\r\n');
}

/** A request of Alice. */
export function ask(line: string, ...fields: readonly string[]): string {
  return head(`${line} HTTP/1.1`, HOST, TOKEN, ...fields);
}

/** A group with this name, asked for by Alice, with a length or whatever else says how long the body is. */
export function createGroup(name: string, ...framing: readonly string[]): string {
  const body = JSON.stringify({ name });
  const fields = framing.length === 0 ? [lengthOf(body)] : framing;
  return ask('POST /api/v1/group', JSON_TYPE, ...fields) + body;
}

export function lengthOf(body: string): string {
  return `Content-Length: ${body.length}`;
}

/** One chunk. */
export function chunk(data: string): string {
  return `${data.length.toString(16)}\r\n${data}\r\n`;
}

/** What must always be answered: with 200, and with Alice's profile. */
export const GOOD = ask('GET /api/v1/user');
/** What never may be: nobody asked for it, it came as a part of something else. A group of this name is the trace. */
export const SMUGGLED = createGroup('smuggled');
