import { type RequestPlan, type RequestsPlan, runRequests } from '../load/requests.js';
import type { Metrics } from '../measure/measurement.js';
import { startParley, tokenOf, withDataDir } from '../targets/parley.js';
import { startEngine } from '../targets/peers.js';
import { openWriter, populate, textOf } from '../targets/population.js';
import type { Target } from '../targets/target.js';
import { alternate, type Effort, type Subject, type Suite } from './suite.js';

const SUITE = 'http';
const CONNECTIONS = 64;
/** A worker takes so many photos at a time. */
const UPLOADS = 16;
const USERS = 1000;
const CHATS = 50;
const MEMBERS = 100;
const PHOTO_BYTES = 100 * 1024;
/** More than any machine takes within one trial's second. */
const OPENED_PER_S_MAX = 25_000;
const CREATED_PER_S_MAX = 3000;

/** The caller with all the chats, and the owner of the group. */
const READER = 1;
const OWNER = 101;

interface Case {
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** For a run of so many seconds. Callers are user ids; their tokens are made from them. */
  readonly requests: (seconds: number, groupId: number) => RequestPlan | readonly RequestPlan[];
  /** Whether a quick run has it too. */
  readonly quick: boolean;
  readonly connections?: number;
}

const CASES: readonly Case[] = [
  { name: 'GET /user', method: 'GET', requests: once('/user', READER), quick: true },
  { name: 'GET /user/{id}', method: 'GET', requests: once('/user/2', READER), quick: false },
  { name: 'GET /chats', method: 'GET', requests: once('/chats', READER), quick: false },
  {
    name: 'GET /group/{id}/users',
    method: 'GET',
    requests: (_seconds, groupId) => ({ path: `/group/${groupId}/users`, caller: OWNER }),
    quick: false,
  },
  { name: 'POST /chat/{id}', method: 'POST', requests: newPairs, quick: true },
  { name: 'POST /chat/{id} again', method: 'POST', requests: once('/chat/2', READER), quick: false },
  { name: 'POST /user', method: 'POST', requests: newUsers, quick: true, connections: UPLOADS },
];

/**
 * Every endpoint that matters, with autocannon, and the engine's own answer to a GET as their limit. Autocannon
 * is busy before the server is, so what counts is the server's processor time for a request.
 */
export const http: Suite = async function* (effort) {
  const limit: Subject = {
    suite: SUITE,
    name: 'GET /hello',
    target: 'engine',
    parameters: { connections: CONNECTIONS, workers: 1 },
    trial: () => helloTrial(effort),
  };
  const cases = CASES.filter(({ quick }) => quick || !effort.quick);
  const subjects = (effort.quick ? [1] : [1, 2]).flatMap((workers) =>
    cases.map((one): Subject => {
      const { name, connections = CONNECTIONS } = one;
      const trial = () => parleyTrial(one, workers, effort);
      return { suite: SUITE, name, target: 'parley', parameters: { connections, workers }, trial };
    }),
  );
  yield* await alternate(effort, [limit, ...subjects]);
};

async function helloTrial(effort: Effort): Promise<Metrics> {
  const target = await startEngine();
  try {
    const tokens = [await tokenOf(READER)]; // So that the engine reads as many bytes.
    const requests = { path: '/hello', caller: 0 };
    return await measure(target, effort, { method: 'GET', requests, tokens, connections: CONNECTIONS });
  } finally {
    await target.stop();
  }
}

function parleyTrial(
  { method, requests, connections = CONNECTIONS }: Case,
  workers: number,
  effort: Effort,
): Promise<Metrics> {
  return withDataDir(async (dataDir) => {
    const groupId = await prepare(dataDir);
    const plan = requests(effort.warmupSeconds + effort.seconds, groupId);
    const target = await startParley({ workers, dataDir });
    try {
      return await measure(target, effort, { method, connections, ...(await withTokens(plan)) });
    } finally {
      await target.stop();
    }
  });
}

async function measure(
  target: Target,
  { warmupSeconds, seconds }: Effort,
  plan: Pick<RequestsPlan, 'method' | 'requests' | 'tokens' | 'connections'>,
): Promise<Metrics> {
  const expected = Array.isArray(plan.requests) ? undefined : await answerTo(target, plan);
  const outcome = await runRequests(target, {
    ...plan,
    ...(expected !== undefined && { expectedBody: expected }),
    warmupMs: warmupSeconds * 1000,
    durationMs: seconds * 1000,
  });
  return {
    requests_per_s: outcome.answered / outcome.seconds,
    p50_ms: outcome.latency.p50,
    p99_ms: outcome.latency.p99,
    server_us_per_request: (outcome.serverSeconds / outcome.answered) * 1e6,
    load_us_per_request: (outcome.processorSeconds / outcome.answered) * 1e6,
  };
}

/** What the one request of the plan is answered with; each later answer must be the same. */
async function answerTo(
  { name, port }: Target,
  { method, requests, tokens }: Pick<RequestsPlan, 'method' | 'requests' | 'tokens'>,
): Promise<string> {
  const { path, caller } = requests as RequestPlan;
  const headers = { authorization: `Bearer ${tokens[caller]}` };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
  const body = await response.text();
  if (!response.ok) throw new Error(`${name}: ${method} ${path}: ${response.status} ${body}`);
  return body;
}

/** Users, a group, and private chats of one user with two messages each. Returns the group's id. */
async function prepare(dataDir: string): Promise<number> {
  const { groups } = await populate(dataDir, USERS, [Array.from({ length: MEMBERS }, (_, i) => OWNER + i)]);
  const writer = openWriter(dataDir);
  try {
    const others = Array.from({ length: CHATS }, (_, i) => READER + 1 + i);
    const opened = await writer.write(
      others.map((other) => ({ kind: 'open_chat', actor: READER, other }) as const),
    );
    const ids = opened.map((outcome) => ('ok' in outcome && 'id' in outcome.ok ? outcome.ok.id : 0));
    for (const authorId of [READER, undefined]) {
      await writer.write(
        ids.map((chatId, index) => {
          const author = authorId ?? others[index] ?? 0;
          return { kind: 'post_message', chatId, authorId: author, text: textOf(index) } as const;
        }),
      );
    }
  } finally {
    writer.close();
  }
  return groups[0]?.id ?? 0;
}

/** The plan under /api/v1, its callers replaced by indexes into a list of tokens. */
async function withTokens(
  plan: RequestPlan | readonly RequestPlan[],
): Promise<Pick<RequestsPlan, 'requests' | 'tokens'>> {
  const requests: readonly RequestPlan[] = 'path' in plan ? [plan] : plan;
  const indexes = new Map<number, number>();
  for (const { caller } of requests) if (!indexes.has(caller)) indexes.set(caller, indexes.size);
  const tokens = await Promise.all([...indexes.keys()].map(tokenOf));
  const own = requests.map((request) => ({
    ...request,
    path: `/api/v1${request.path}`,
    caller: indexes.get(request.caller) ?? 0,
  }));
  const [first] = own;
  return { requests: 'path' in plan && first !== undefined ? first : own, tokens };
}

function once(path: string, caller: number): Case['requests'] {
  return () => ({ path, caller });
}

/** A chat that nobody has opened, again and again. */
function newPairs(seconds: number): RequestPlan[] {
  const count = Math.min(seconds * OPENED_PER_S_MAX, ((USERS - CHATS - 2) * (USERS - CHATS - 1)) / 2);
  const pairs: RequestPlan[] = [];
  // The reader and the others of its chats are left out: they have opened theirs.
  for (let distance = 1; pairs.length < count; distance++) {
    for (let caller = CHATS + 2; caller + distance <= USERS && pairs.length < count; caller++) {
      pairs.push({ path: `/chat/${caller + distance}`, caller });
    }
  }
  return pairs;
}

/** A user without a profile makes one, with a photo: a token, a row and a file that are new. */
function newUsers(seconds: number): RequestPlan[] {
  return Array.from({ length: seconds * CREATED_PER_S_MAX }, (_, index) => {
    const json = JSON.stringify({ username: `new${index}`, name: `New ${index}` });
    return { path: '/user', caller: USERS + 1 + index, form: { json, photoBytes: PHOTO_BYTES } };
  });
}
