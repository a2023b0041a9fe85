import { pong } from '../conformance/websocket/frame.js';
import type { Peer } from '../conformance/websocket/peer.js';
import type { Loose } from './exchanges.js';
import { openSocket, playSession, shown } from './play-session.js';
import type { Rows } from './rows.js';
import { type Expected, expectedOf } from './session-model.js';
import { type Session, sessionOf } from './sessions.js';
import type { FuzzStage, Lane } from './stage.js';

/** An input that did not lead to what it must. */
export interface Finding {
  readonly kind: string;
  readonly number: number;
  readonly what: string;
  /** The bytes as hex, when they are not too many. */
  readonly input: string;
}

/** What is going on in one kind of input. */
export interface Round {
  readonly seed: number;
  readonly stage: FuzzStage;
  readonly rows: Rows;
  readonly findings: Finding[];
  readonly loose: Loose;
}

const HEX_MAX = 2000;
const SPEAK_EVERY_MS = 30_000;
export const FINDINGS_MAX = 50;

export function findingOf(kind: string, number: number, what: string, bytes: Buffer): Finding {
  return { kind, number, what, input: bytes.subarray(0, HEX_MAX / 2).toString('hex') };
}

/** Plays sessions from this number on until so many frames were sent. Resolves to the number of the next session. */
export async function playFrames(
  { seed, stage, rows, findings }: Round,
  first: number,
  frames: number,
): Promise<{ next: number; sent: number }> {
  let sent = 0;
  /** Where each lane is: the sessions of a lane are played in turn, because they share what the chat remembers. */
  let next = first;
  const { lanes } = stage;
  const play = async (lane: Lane, index: number) => {
    const memory = { group: new Map<string, string>(), private: new Map<string, string>(), main: new Map() };
    const witnesses = await Witnesses.open(stage, lane);
    const good = stage.tokenOf(lane, 'good');
    const bad = stage.tokenOf(lane, 'bad');
    for (let number = first + index; sent < frames; number += lanes.length) {
      if (findings.length >= FINDINGS_MAX) break;
      const session = sessionOf(seed, number, (kind) => (kind === 'good' ? good : bad));
      sent += session.frames;
      next = Math.max(next, number + 1);
      const isToken = (token: string) => token === good;
      const { of, bytes } = session;
      const expected = expectedOf(bytes, { ofChat: of !== 'main', isToken, remembered: memory[of] });
      const chat = of === 'group' ? lane.group : lane.chat;
      for (const { text, clientId } of expected.stored)
        rows.add('message', chat, lane.alice.id, text, clientId ?? null);
      const { port } = stage.server;
      const problem =
        (await playSession(port, pathOf(session, lane), lane.alice.token, session, expected)) ??
        (of === 'main' ? undefined : await witnesses.heard(of, expected));
      if (problem !== undefined) findings.push(findingOf(`a session on ${of}`, number, problem, bytes));
    }
    witnesses.leave();
  };
  await Promise.all(lanes.map(play));
  return { next, sent };
}

/** A lane's other user, who hears all that is stored in its chats, and nothing else. */
class Witnesses {
  readonly #peers: Readonly<Record<'group' | 'private', Peer>>;
  #spokeAt = performance.now();

  private constructor(group: Peer, chat: Peer) {
    this.#peers = { group, private: chat };
  }

  static async open(stage: FuzzStage, { bob, group, chat }: Lane): Promise<Witnesses> {
    const { port } = stage.server;
    const paths = [`/group/${group}?limit=0`, `/chat/${chat}?limit=0`] as const;
    const [first, second] = await Promise.all(
      paths.map((path) => openSocket(port, path, bob.token, 'history')),
    );
    if (first === undefined || second === undefined) throw new Error('no witness');
    return new Witnesses(first, second);
  }

  /** When it has heard all of a session, what was other than expected. The next session finds nothing on its way. */
  async heard(of: 'group' | 'private', { stored }: Expected): Promise<string | undefined> {
    this.#stay();
    const peer = this.#peers[of];
    const heard = () => peer.steps.filter((step) => step.startsWith('message '));
    const gaveUp = () => peer.steps.some((step) => step === 'silent' || step === 'cut');
    while (heard().length < stored.length && !gaveUp()) await peer.steppedTo(peer.steps.length + 1);
    const wanted = stored.map(({ text }) => `message ${text}`);
    const problem =
      JSON.stringify(heard()) === JSON.stringify(wanted) ? undefined : `the other heard ${shown(heard())}`;
    if (!gaveUp()) peer.steps.length = 0;
    return problem && `${problem} instead of ${shown(wanted)}`;
  }

  /** The server ends whoever says nothing for two minutes. */
  #stay(): void {
    const now = performance.now();
    if (now - this.#spokeAt < SPEAK_EVERY_MS) return;
    this.#spokeAt = now;
    for (const peer of Object.values(this.#peers)) peer.write(pong(''));
  }

  leave(): void {
    for (const peer of Object.values(this.#peers)) peer.cut();
  }
}

function pathOf({ of }: Session, lane: Lane): string {
  if (of === 'main') return '/main';
  return of === 'group' ? `/group/${lane.group}?limit=0` : `/chat/${lane.chat}?limit=0`;
}
