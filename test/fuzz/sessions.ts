import { Random } from '../../src/prove/random.js';
import { close, fragments, frame, Op, ping, pong } from '../conformance/websocket/frame.js';
import { frameJson } from './messages.js';
import { mutated } from './mutation.js';

/** One connection and all that is sent over it. It follows from seed and number alone. */
export interface Session {
  readonly number: number;
  /** Which of the sockets that a lane may open. */
  readonly of: 'group' | 'private' | 'main';
  readonly bytes: Buffer;
  /** Where one write ends and the next begins. */
  readonly cuts: readonly number[];
  readonly frames: number;
}

/** The token of a frame that asks for more time, which must be one of the lane's user. */
export type TokenOf = (kind: 'good' | 'bad') => string;

export function sessionOf(seed: number, number: number, tokenOf: TokenOf): Session {
  const random = new Random(`${seed}/session/${number}`);
  const of = random.pick([
    'group',
    'group',
    'group',
    'group',
    'group',
    'private',
    'private',
    'main',
  ] as const);
  const frames = random.chance(0.05) ? renewals(random, number, tokenOf) : grammar(random, number);
  const whole = Buffer.concat(frames);
  const isMutated = random.chance(0.5);
  const bytes = isMutated ? mutated(random, whole, others(random, number)) : whole;
  return { number, of, bytes, cuts: cutsOf(random, bytes, frames), frames: frames.length };
}

/** Frames that are well-formed, whatever is in them. */
function grammar(random: Random, number: number): Buffer[] {
  const count = random.pick([1, 4, 8, 12, 16, 24]);
  return Array.from({ length: count }, (_, index) => framed(random, frameJson(random, `${number}.${index}`)));
}

/** Few enough bad ones that the order in which tokens are checked does not matter. */
function renewals(random: Random, number: number, tokenOf: TokenOf): Buffer[] {
  return Array.from({ length: random.from(2, 8) }, (_, index) => {
    const token = tokenOf(random.pick(['good', 'bad']));
    const say = { type: 'message', text: `${number}.${index}` };
    return frame({ payload: JSON.stringify(random.chance(0.5) ? say : { type: 'auth', token }) });
  });
}

/** A message in one frame or in several, with other frames beside or within it. */
function framed(random: Random, json: string): Buffer {
  const key = Array.from({ length: 4 }, () => random.from(0, 255));
  const kind = random.next();
  if (kind < 0.7) return frame({ payload: json, key });
  if (kind < 0.72) return frame({ payload: json, key, opcode: Op.binary });
  if (kind < 0.76)
    return frame({ payload: json, key, lengthBits: Buffer.byteLength(json) < 65_536 ? 16 : 64 });
  if (kind < 0.8) return Buffer.concat([control(random), frame({ payload: json, key })]);
  if (kind < 0.82)
    return frame({ payload: random.chance(0.5) ? Buffer.from([0xc3, 0x28]) : json, fin: false });
  if (kind < 0.83) return close(random.pick([1000, 1001, 1005, 3000, 4000, 4999, 70]), 'bye');
  if (kind < 0.84) return frame({ payload: json, rsv: random.from(0, 7), opcode: random.from(0, 15) });
  const length = Buffer.byteLength(json);
  const places = Array.from({ length: random.from(1, 4) }, () => random.from(0, length)).sort(
    (a, b) => a - b,
  );
  const pieces = fragments(json, places);
  return Buffer.concat(
    pieces.flatMap((piece, index) => (index > 0 && random.chance(0.2) ? [control(random), piece] : [piece])),
  );
}

function control(random: Random): Buffer {
  const payload = 'p'.repeat(random.pick([0, 1, 4, 125]));
  return random.chance(0.5) ? ping(payload) : pong(payload);
}

function others(random: Random, number: number): Buffer {
  return Buffer.concat([framed(random, frameJson(random, `${number}.x`)), control(random), close(1000)]);
}

/** In one write, frame by frame, or anywhere. */
function cutsOf(random: Random, bytes: Buffer, frames: readonly Buffer[]): number[] {
  const kind = random.next();
  if (kind < 0.6) return [];
  if (kind < 0.8) {
    let end = 0;
    return frames.map(({ length }) => {
      end += length;
      return end;
    });
  }
  return Array.from({ length: random.from(1, 5) }, () => random.from(0, bytes.length)).sort((a, b) => a - b);
}
