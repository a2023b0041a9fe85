import { setImmediate as pause } from 'node:timers/promises';
import { Peer } from '../conformance/websocket/peer.js';
import { HANDSHAKE_KEY } from '../conformance/websocket/stage.js';
import type { Expected } from './session-model.js';
import type { Session } from './sessions.js';

/** A ping that is the last thing said. */
const LAST = Buffer.from([0x89, 0x84, 0, 0, 0, 0, 0x6c, 0x61, 0x73, 0x74]);

/** A socket of this path; it is live when its first frame, if it is to have one, has come. */
export async function openSocket(
  port: number,
  path: string,
  token: string,
  first: string | undefined,
): Promise<Peer> {
  const peer = await Peer.dial(port);
  peer.write(handshake(path, token));
  await (first === undefined ? peer.answered() : peer.did(first));
  peer.steps.length = 0;
  return peer;
}

/** Plays a session on a connection of its own. Resolves to what was other than expected, if anything. */
export async function playSession(
  port: number,
  path: string,
  token: string,
  session: Session,
  expected: Expected,
): Promise<string | undefined> {
  const peer = await openSocket(port, path, token, session.of === 'main' ? undefined : 'history');
  if (peer.status !== 101) return `no socket: ${peer.head}`;
  let from = 0;
  for (const cut of [...session.cuts, session.bytes.length]) {
    peer.write(session.bytes.subarray(from, cut));
    from = cut;
    if (session.cuts.length > 0) await pause();
  }
  const { fate, answers, echoes } = expected;
  if (fate === 'stays') peer.write(LAST);
  const due = answers.length + echoes.length + (fate === 'stays' ? 1 : 0);
  if (fate === 'stays' || fate === 'waits') await peer.steppedTo(due);
  if (fate === 'waits') peer.finish();
  if (fate !== 'stays') await peer.ended();
  peer.cut();
  return difference(peer.steps, expected);
}

/** Echoes wait for the disk, and new tokens for their check; the other answers come at once: each kind in its order. */
function difference(steps: readonly string[], { fate, answers, echoes }: Expected): string | undefined {
  const isWhole = fate === 'stays' || fate === 'waits';
  const last = fate === 'stays' ? ['pong 6c617374'] : fate === 'waits' || fate === 'cut' ? ['cut'] : [];
  // A socket of `main` may hear of what was said in the session before.
  const seen = steps
    .filter((step) => step !== 'last_message')
    .map((step) => step.replace(/^(close \d+) .*$/s, '$1'));
  const due = [...answers, ...echoes, ...last];
  for (const [kind, whole] of [
    [/^(?!message |duplicate |error unauthorized)/, fate !== 'cut'],
    [/^message /, isWhole],
    [/^duplicate /, isWhole],
    [/^error unauthorized/, isWhole],
  ] as const) {
    const got = seen.filter((step) => kind.test(step));
    const wanted = due.filter((step) => kind.test(step));
    // What goes down with the connection is the end of what was due.
    const cut = whole
      ? wanted
      : [
          ...wanted.slice(0, got.length - (got.at(-1) === 'cut' ? 1 : 0)),
          ...got.slice(-1).filter((step) => step === 'cut'),
        ];
    if (JSON.stringify(got) !== JSON.stringify(cut))
      return `${shown(got)} instead of ${shown(wanted)} (${fate})`;
  }
  return undefined;
}

export function shown(steps: readonly string[]): string {
  return JSON.stringify(steps.map((step) => (step.length > 80 ? `${step.slice(0, 80)}…` : step)));
}

function handshake(path: string, token: string): string {
  return [
    `GET /api/v1${path} HTTP/1.1`,
    'Host: parley',
    `Authorization: Bearer ${token}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${HANDSHAKE_KEY}`,
    'Sec-WebSocket-Version: 13',
    '',
    '',
  ].join('\r\n');
}
