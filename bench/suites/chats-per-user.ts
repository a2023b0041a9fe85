import { WebSocket } from 'ws';
import { runLoad } from '../load/load.js';
import type { SocketPlan } from '../load/plan.js';
import { type Measurement, type Metrics, median } from '../measure/measurement.js';
import { processorSeconds } from '../measure/processes.js';
import { parley, type Running } from '../targets/contender.js';
import { tokenOf } from '../targets/parley.js';
import type { Target } from '../targets/target.js';
import { alternate, type Effort } from './suite.js';

const CHATS = [10, 100, 1000, 10_000];
/** The user who is in all the groups; each has another owner, who sends. */
const USER = 1;
const MAIN_SOCKETS = 10;
const SENDERS_MAX = 1000;
const OPEN_PER_S = 1000;
const ATTACHES = 5;
const LISTING_SECONDS = 2;

/** A user in ever more groups with a message each: the attach of `main`, GET /chats, and messages that `main` hears. */
export function chatsPerUser(suite: string, effort: Effort): Promise<Measurement[]> {
  return alternate(
    effort,
    CHATS.map((chats) => {
      const groups = Array.from({ length: chats }, (_, index) => [index + 2, USER]);
      return {
        suite,
        name: 'chats of a user',
        target: 'parley',
        parameters: { chats, main_sockets: MAIN_SOCKETS, rate_per_s: OPEN_PER_S, workers: 1 },
        trial: () => parley(1, 1).use(groups, (running) => trial(running, effort)),
      };
    }),
  );
}

async function trial({ target, sockets }: Running, effort: Effort): Promise<Metrics> {
  const token = await tokenOf(USER);
  const attaches: number[] = [];
  for (let count = 0; count < ATTACHES; count++) attaches.push(await attach(target, token, sockets.length));
  return {
    main_attach_ms: median(attaches),
    ...(await listing(target, token, sockets.length)),
    ...(await heard(target, token, sockets, effort)),
  };
}

/** Milliseconds until a new `main` socket has received the newest message of every chat. */
function attach({ port }: Target, token: string, chats: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const headers = { Authorization: `Bearer ${token}` };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/main?after=0`, { headers });
    let received = 0;
    socket.on('message', () => {
      received += 1;
      if (received < chats) return;
      resolve(performance.now() - start);
      socket.terminate();
    });
    socket.on('close', (code) => reject(new Error(`main was closed with ${code} after ${received} frames`)));
    socket.on('error', reject);
  });
}

/** GET /chats, one after the other. */
async function listing(target: Target, token: string, chats: number): Promise<Metrics> {
  const headers = { Authorization: `Bearer ${token}` };
  const times: number[] = [];
  let bytes = 0;
  const before = processorSeconds(target.pids());
  const end = performance.now() + LISTING_SECONDS * 1000;
  while (performance.now() < end) {
    const start = performance.now();
    const answer = await fetch(`http://127.0.0.1:${target.port}/api/v1/chats`, { headers });
    const body = await answer.text();
    times.push(performance.now() - start);
    if (bytes === 0 && JSON.parse(body).rooms.length !== chats)
      throw new Error(`not ${chats} rooms: ${body}`);
    bytes = body.length;
    if (answer.status !== 200) throw new Error(`${answer.status} ${body}`);
  }
  const seconds = processorSeconds(target.pids()) - before;
  return {
    list_p50_ms: median(times),
    list_bytes: bytes,
    server_us_per_list: (seconds * 1e6) / times.length,
  };
}

/** Messages in up to a thousand of the chats, which the `main` sockets of the user hear as well. */
async function heard(
  target: Target,
  token: string,
  sockets: Running['sockets'],
  { seconds, warmupSeconds }: Effort,
): Promise<Metrics> {
  const senders = sockets
    .slice(0, SENDERS_MAX)
    .flatMap(([owner]): SocketPlan[] => (owner === undefined ? [] : [{ ...owner, sends: true }]));
  const mains = Array.from({ length: MAIN_SOCKETS }, (): SocketPlan => {
    return { path: '/api/v1/main', token, chat: 0, sends: false, countsOnly: true };
  });
  const outcome = await runLoad(target, {
    dialect: 'parley',
    sockets: [...senders, ...mains],
    connectingMax: MAIN_SOCKETS,
    load: { kind: 'open', perSecond: OPEN_PER_S },
    warmupMs: warmupSeconds * 1000,
    durationMs: seconds * 1000,
  });
  const { echoed, delivered, serverSeconds, echo } = outcome;
  if (delivered < echoed * MAIN_SOCKETS)
    throw new Error(`${target.name}: main heard ${delivered - echoed} of ${echoed}`);
  return {
    messages_per_s: echoed / outcome.seconds,
    echo_p50_ms: echo.p50,
    echo_p99_ms: echo.p99,
    server_us_per_message: (serverSeconds * 1e6) / echoed,
  };
}
