import { Random } from '../../src/prove/random.js';
import { bodyJson } from './bodies.js';
import { type Creation, creationOf } from './body-model.js';
import { mutated } from './mutation.js';
import type { Lane } from './stage.js';

/** Who asks: a lane's user, one without a profile, or nobody that is known. */
export interface Caller {
  readonly id: number;
  readonly token: string;
}

/** One request on a connection of its own. It follows from seed, number and lane alone. */
export interface Asked {
  readonly bytes: Buffer;
  /** The status; undefined where the bytes were changed, and it may be any refusal. */
  readonly status: number | undefined;
  /** What a 200 creates. */
  readonly creates: Creation | undefined;
  readonly caller: Caller;
  /** More than one answer, or none, may come of it: it could be read as two requests. */
  readonly unclear?: true;
}

export interface People {
  readonly lane: Lane;
  /** A user of this number who has no profile yet. */
  readonly fresh: Caller;
  /** The lanes' users have the ids from 1 to this. */
  readonly users: number;
}

const JSON_TYPE = 'Content-Type: application/json';
const HOST = 'Host: parley';

export function requestOf(seed: number, number: number, people: People): Asked {
  const random = new Random(`${seed}/request/${number}`);
  const kind = random.next();
  if (kind < 0.35) return plain(random, people);
  if (kind < 0.4) return unclear(random, people, number);
  const creation = create(random, people, number);
  if (kind < 0.7) return creation;
  const asked = kind < 0.95 ? creation : plain(random, people);
  return { ...asked, bytes: mutated(random, asked.bytes, creation.bytes), status: undefined };
}

type Plain = readonly [status: number, line: string, ...fields: string[]];

/** What has no body that matters, and changes nothing. */
function plain(random: Random, { lane }: People): Asked {
  const { alice, bob, group, chat } = lane;
  const count = random.pick(['0', '1', '7', '1000', '9007199254740993', '99999999999999999999', '007']);
  const noCount = random.pick(['', '-1', '1.5', 'a', '1e3', '%00', '+1', ' 1', '0x10', '١']);
  const noId = random.pick([
    '0',
    '-1',
    '01',
    'a',
    '1.0',
    '9007199254740992',
    '1e3',
    '%31',
    '+1',
    '99999999999999999',
    'null',
  ]);
  const none = 8_000_000_000;
  const [status, line, ...fields] = random.pick<Plain>([
    [200, 'GET /user'],
    [200, 'HEAD /user'],
    [200, `GET /user/${bob.id}`],
    [404, `GET /user/${none}`],
    [400, `GET /user/${noId}`],
    [404, `GET /user/${bob.id}/photo`],
    [200, `GET /chats?limit=${count}`],
    [200, `GET /chats?offset=${count}&x=${encodeURIComponent(noCount)}`],
    [400, `GET /chats?limit=${encodeURIComponent(noCount)}`],
    [400, `GET /chats?offset=${encodeURIComponent(noCount)}&limit=1`],
    [400, 'GET /chats?limit=1&limit=2'],
    [200, `GET /chat/${chat}/info`],
    [404, `GET /chat/${group}/info`],
    [400, `GET /chat/${noId}/info`],
    [200, `GET /group/${group}/info`],
    [200, `GET /group/${group}/users`],
    [404, `GET /group/${none}/users`],
    [404, `GET /group/${chat}/info`],
    [404, `GET /group/${group}/photo`],
    [200, `POST /chat/${bob.id}`],
    [400, `POST /chat/${alice.id}`],
    [400, `POST /chat/${none}`],
    [400, `POST /chat/${noId}`],
    [404, `DELETE /group/${none}`],
    [404, `DELETE /group/${chat}`],
    [400, `DELETE /group/${noId}`],
    [400, `DELETE /group/${group}/delete?users=${alice.id}`],
    [409, `DELETE /group/${group}/delete?users=${none}`],
    [400, `DELETE /group/${group}/delete?users=${encodeURIComponent(noCount)}`],
    [200, `DELETE /group/${group}/delete?if_needed=true&users=${none}`],
    [400, `POST /group/${group}/add?if_needed=${encodeURIComponent(noCount)}`],
    [200, `GET /chat/${chat}/messages?limit=${count}`],
    [200, `GET /group/${group}/messages?before=${count}`],
    [200, `GET /group/${group}/messages?after=${count}&limit=7&x=${encodeURIComponent(noCount)}`],
    [200, `HEAD /chat/${chat}/messages?around=${count}`],
    [404, `GET /chat/${group}/messages`],
    [400, `GET /chat/${chat}/messages?around=${encodeURIComponent(noCount)}`],
    [400, `GET /chat/${chat}/messages?before=${count}&after=1`],
    [415, `POST /chat/${chat}/message`],
    [415, `PATCH /message/${none}`],
    [404, `GET /message/${none}`],
    [400, `GET /message/${noId}`],
    [404, `DELETE /message/${none}`],
    [404, `PUT /message/${none}/reaction/%F0%9F%91%8D`],
    [404, `GET /message/${none}/reaction/%E2%9D%A4?limit=${count}`],
    [400, `GET /message/${none}/reaction/%E2%9D%A4?offset=${encodeURIComponent(noCount)}`],
    [
      400,
      `PUT /message/${none}/reaction/${random.pick(['x', '%', '%F0%9F', '%00', '+', '%F0%9F%91%8D%F0%9F%91%8D'])}`,
    ],
    [400, `DELETE /message/${noId}/reaction/%F0%9F%91%8D`],
    [405, `GET /group/${group}/message`],
    [426, `GET /chat/${chat}`],
    [426, 'GET /main'],
    [405, `PUT /user/${bob.id}`],
    [405, 'PATCH /chats'],
    [405, `GET /group/${group}/add`],
    [405, 'DELETE /user'],
    [
      404,
      `GET /${random.pick(['', 'users', 'user/', 'User', '..', '%2e%2e', 'chat', 'groups', '.git/config', '\\'])}`,
    ],
    [404, `GET /user/${bob.id}/`],
    [204, 'OPTIONS /user', 'Origin: https://a.example', 'Access-Control-Request-Method: GET'],
    [405, 'OPTIONS /user'],
  ]);
  const callers: readonly [number, string[]][] = [
    [status, [`Authorization: Bearer ${alice.token}`]],
    [status, [`authorization:   bearer ${alice.token}`]],
    [401, []],
    [401, ['Authorization: Bearer']],
    [401, [`Authorization: ${alice.token}`]],
    [401, [`Authorization: Basic ${alice.token}`]],
    [401, [`Authorization: Bearer ${alice.token.slice(0, -3)}AAA`]],
    [401, [`Authorization: Bearer ${alice.token.slice(0, alice.token.lastIndexOf('.') + 1)}`]],
    [
      401,
      [
        `Authorization: Bearer ${random.pick(['x', 'a.b.c', '..', '=.=.=', 'eyJhbGciOiJub25lIn0.eyJzdWIiOjF9.'])}`,
      ],
    ],
  ];
  const [known, authorization] = random.pick(random.chance(0.7) ? callers.slice(0, 1) : callers);
  return {
    bytes: render(line, [HOST, ...authorization, ...fields, ...noise(random)], ''),
    status: status === 204 ? 204 : known,
    creates: undefined,
    caller: alice,
  };
}

/** A profile or a group, in JSON that is valid or nearly so. */
function create(random: Random, { lane, fresh, users }: People, number: number): Asked {
  const of = random.chance(0.3) ? 'user' : 'group';
  const caller = of === 'user' ? fresh : lane.alice;
  const cast = { owner: caller.id, other: lane.bob.id, users };
  const json = Buffer.from(bodyJson(random, of, `n${number}.`, cast));
  const body = random.chance(0.15) ? mutated(random, json, json) : json;
  const creates = creationOf(of, body, cast);
  const type = random.chance(0.93)
    ? JSON_TYPE
    : random.pick([
        'Content-Type: text/plain',
        'X: y',
        'Content-Type: application/jsonx',
        'Content-Type: multipart/form-data',
      ]);
  const typed = type === JSON_TYPE;
  const fields = [HOST, `Authorization: Bearer ${caller.token}`, type, ...noise(random)];
  const status = typed ? (creates === undefined ? 400 : 200) : type.includes('multipart') ? 400 : 415;
  return {
    bytes: render(`POST /${of}`, fields, body, random),
    status,
    creates: status === 200 ? creates : undefined,
    caller,
  };
}

/** What two servers could read as two different requests. */
function unclear(random: Random, people: People, number: number): Asked {
  const { bytes, caller } = create(random, people, number);
  const field = random.pick([
    'Content-Length: 5', 'Content-Length: 5, 5', 'Content-Length: +5', 'Transfer-Encoding: chunked', 'Host: other',
    'Transfer-Encoding: identity', 'Authorization: Bearer x', 'Content-Length: 0x5', 'Transfer-Encoding: chunked, gzip',
  ]); // biome-ignore format: a table
  const text = bytes.toString('latin1');
  const at = text.indexOf('\r\n') + 2;
  // With both a length and chunks, or two of either, it is refused; one alone is what it was.
  return {
    bytes: Buffer.from(`${text.slice(0, at)}${field}\r\n${text.slice(at)}`, 'latin1'),
    status: 400,
    creates: undefined,
    caller,
    unclear: true,
  };
}

/** Fields that mean nothing to the server. */
function noise(random: Random): string[] {
  const fields = [
    'Accept: */*',
    'X-A: \u00e9',
    'User-Agent: ',
    'X-B: "\\',
    `X-C: ${'c'.repeat(2000)}`,
    'Cookie: a=b',
    'Connection: keep-alive',
    'Origin: null',
    '__proto__: x',
  ];
  return Array.from({ length: random.from(0, 3) }, () => random.pick(fields));
}

function render(line: string, fields: readonly string[], body: string | Buffer, random?: Random): Buffer {
  const bytes = Buffer.from(body);
  const [method, path] = line.split(/ (.*)/s);
  const start = `${method} /api/v1${path} HTTP/1.1`;
  if (random === undefined || random.chance(0.7)) {
    const length = random === undefined ? [] : [`Content-Length: ${bytes.length}`];
    return Buffer.concat([Buffer.from([start, ...fields, ...length, '', ''].join('\r\n'), 'latin1'), bytes]);
  }
  const chunks: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const chunk = bytes.subarray(from, from + random.from(1, 40));
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
    from += chunk.length;
  }
  const head = [start, ...fields, 'Transfer-Encoding: chunked', '', ''].join('\r\n');
  return Buffer.concat([Buffer.from(head, 'latin1'), ...chunks, Buffer.from('0\r\n\r\n')]);
}
