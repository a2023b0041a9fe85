import type { Answer } from '../conformance/http/peer.js';
import { forge } from '../support/tokens.js';
import type { Creation } from './body-model.js';
import { playRequest } from './play-request.js';
import type { Caller, People } from './requests.js';
import { FINDINGS_MAX, findingOf, type Round } from './sockets.js';

/** Ids of users who have no profile until an input gives them one. */
const FRESH_MIN = 1_000_000;
/** What may be the answer to a request of which nobody knows what it is. */
const REFUSALS = new Set([204, 400, 401, 403, 404, 405, 409, 413, 415, 426, 431, 505]);

/** An input over HTTP, and what is known of its outcome. */
export interface Input {
  readonly bytes: Buffer;
  readonly status: number | undefined;
  readonly creates: Creation | undefined;
  readonly caller: Caller;
  readonly unclear?: true;
  /** Of the photo that comes with it. */
  readonly photo?: string;
}

/**
 * Sends `count` inputs from a number on, each on a connection of its own, so many at a time. With as many as there are
 * lanes, each lane has one at a time.
 */
export async function playInputs(
  round: Round,
  kind: string,
  first: number,
  count: number,
  atOnce: number,
  inputOf: (number: number, people: People) => Input,
): Promise<void> {
  const { stage, findings } = round;
  const play = async (index: number) => {
    for (let number = first + index; number < first + count; number += atOnce) {
      if (findings.length >= FINDINGS_MAX) return;
      const lane = stage.lanes[number % stage.lanes.length];
      if (lane === undefined) throw new Error('there is no lane');
      const id = FRESH_MIN + number;
      const fresh = { id, token: forge({ alg: 'HS256' }, { sub: id }) };
      const input = inputOf(number, { lane, fresh, users: 2 * stage.lanes.length });
      const problem = await playInput(round, number, input);
      if (problem !== undefined) findings.push(findingOf(kind, number, problem, input.bytes));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, index) => play(index)));
}

async function playInput(
  { stage, rows, loose }: Round,
  number: number,
  input: Input,
): Promise<string | undefined> {
  const { status, creates, caller, unclear } = input;
  const answers = await playRequest(stage.server.port, input.bytes, status !== undefined);
  const statuses = answers.map((answer) => answer.status);
  if (status === undefined) {
    const wrong = statuses.find((one) => one !== 200 && !REFUSALS.has(one));
    if (wrong !== undefined) return `${wrong} for what may be refused`;
    // The engine may end a connection for what follows a request, with an answer of its own or none.
    const isAnswered = answers.some(({ head }) => /^x-request-id:/im.test(head));
    const mayNotHear = !isAnswered || requestsIn(input) > 1;
    if (mayNotHear && !mustBeRefused(input)) loose.unheard.add(caller.id);
    const created = answers.filter((answer) => noteLoose(loose, answer, caller.id)).length;
    return created > 0 && mustBeRefused(input) ? `${statuses} for what must be refused` : undefined;
  }
  loose.exact.add(number);
  // The engine may have read a second request in it, and say what it has to say of that alone.
  if (unclear && (answers.length === 0 || statuses[0] === 505)) return undefined;
  if (statuses[0] !== status)
    return `${statuses.join() || 'nothing'} instead of ${status}: ${answers[0]?.body.slice(0, 200)}`;
  if (creates === undefined) return undefined;
  const { name, username, description, members } = creates;
  const photo = input.photo ?? null;
  if (creates.of === 'user') rows.add('user', caller.id, username, name, description, photo);
  else rows.add('chat', 'group', name, description, caller.id, members, null, photo);
  return undefined;
}

/** What was created by inputs that nobody can tell the meaning of, as the answers say. */
export class Loose {
  readonly users = new Set<number>();
  readonly groups = new Set<number>();
  /** Who may have created what they have not heard of: the connection ended first. */
  readonly unheard = new Set<number>();
  /** Numbers of the other inputs. */
  readonly exact = new Set<number>();

  /** Whether a row that no answer has told of can be one of an input that was left before its answer. */
  explains(row: string): boolean {
    const [kind, ...fields] = JSON.parse(row) as (string | number | null)[];
    const [name, owner] = kind === 'user' ? [fields[2], fields[0]] : [fields[1], fields[3]];
    const number = /^[nm](\d+)\./.exec(String(name))?.[1];
    return this.unheard.has(Number(owner)) && (number === undefined || !this.exact.has(Number(number)));
  }
}

/** True when the answer tells of something new. */
function noteLoose(loose: Loose, { status, body }: Answer, caller: number): boolean {
  if (status !== 200) return false;
  const group = /^\{"status":"ok","group":\{"id":(\d+),/.exec(body)?.[1];
  if (group !== undefined) loose.groups.add(Number(group));
  else if (body === '{"status":"ok"}') loose.users.add(caller);
  return group !== undefined || body === '{"status":"ok"}';
}

/** Of an input whose meaning is not known otherwise: whether it must not change anything, whatever it means. */
function mustBeRefused(input: Input): boolean {
  const text = input.bytes.toString('latin1');
  if (!text.includes(input.caller.token)) return true;
  if (requestsIn(input) > 1) return false;
  const lines = text.slice(0, text.indexOf('\r\n\r\n')).toLowerCase().split('\r\n');
  const count = (name: string) => lines.filter((line) => line.startsWith(`${name}:`)).length;
  const framings = count('content-length') + count('transfer-encoding');
  return framings > 1 || count('host') > 1 || count('authorization') > 1;
}

function requestsIn({ bytes }: Input): number {
  return bytes.toString('latin1').split('HTTP/1.1').length - 1;
}
