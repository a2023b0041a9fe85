import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { BASE } from '../../src/api/routes.js';
import { TestServer } from '../support/server.js';
import {
  ask,
  expectRefusal,
  join,
  newcomer,
  type Question,
  type StrictUser,
  stopUnharmed,
} from '../support/strict.js';
import { TcpConnection } from '../support/tcp.js';
import { sign } from '../support/tokens.js';
import { until } from '../support/wait.js';

let server: TestServer;
let owner: StrictUser;
let member: StrictUser;
let other: StrictUser;
let group: number;
beforeAll(async () => {
  server = await TestServer.shared();
  owner = await join(server, 'Owner');
  member = await join(server, 'Member');
  other = await join(server, 'Other');
});
beforeEach(async () => {
  group = await owner.groupWith(member);
});
afterAll(() => stopUnharmed(server));

const MIB = 1024 * 1024;
let count = 0;

/** Every endpoint that takes a JSON body: a valid body, and who sends it. */
const endpoints: {
  name: string;
  method: string;
  path: () => string;
  who: () => Promise<StrictUser>;
  body: () => object;
}[] = [
  {
    name: 'POST /user',
    method: 'POST',
    path: () => '/user',
    who: () => newcomer(server, 'New'),
    body: () => ({ username: `new.${++count}`, name: 'New' }),
  },
  {
    name: 'POST /group',
    method: 'POST',
    path: () => '/group',
    who: async () => owner,
    body: () => ({ name: 'g' }),
  },
  {
    name: 'POST /group/{id}/add',
    method: 'POST',
    path: () => `/group/${group}/add`,
    who: async () => owner,
    body: () => ({ users: [{ id: other.id }] }),
  },
  {
    name: 'DELETE /group/{id}/delete',
    method: 'DELETE',
    path: () => `/group/${group}/delete`,
    who: async () => owner,
    body: () => ({ users: [{ id: member.id }] }),
  },
];

describe.each(endpoints)('the body of $name', ({ method, path, who, body }) => {
  async function send(text: Question['body'], headers: Record<string, string> = {}) {
    const { token } = await who();
    return ask(server, method, `${BASE}${path()}`, {
      token,
      headers: { 'content-type': 'application/json', ...headers },
      ...(text !== undefined && { body: text }),
    });
  }
  const json = () => JSON.stringify(body());

  it('is application/json, in any letters and with any parameters', async () => {
    expect((await send(json())).status).toBe(200);
    group = await owner.groupWith(member);
    expect((await send(json(), { 'content-type': 'Application/JSON; charset=UTF-8' })).status).toBe(200);
  });

  it('may have fields that the server does not know', async () => {
    expect((await send(JSON.stringify({ ...body(), colour: 'red' }))).status).toBe(200);
  });

  it('is 415 when it is neither JSON nor multipart', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/jsonp',
      'text/json',
      'multipart/mixed; boundary=x',
      '',
    ]) {
      expectRefusal(await send(json(), { 'content-type': type }), 415, 'unsupported_media_type');
    }
  });

  it('is 415 when nothing says what it is', async () => {
    const { token } = await who();
    const bytes = new TextEncoder().encode(json());
    const answer = await ask(server, method, `${BASE}${path()}`, { token, body: bytes });
    expectRefusal(answer, 415, 'unsupported_media_type');
  });

  it('is 400 when it is not JSON, or not there', async () => {
    for (const text of [
      json().slice(0, -1),
      `${json()}}`,
      "{'name':'g'}",
      '',
      ' ',
      'undefined',
      'NaN',
      '{"a":1,}',
    ]) {
      expectRefusal(await send(text), 400, 'invalid_json');
    }
    expectRefusal(await send(undefined), 400, 'invalid_json');
  });

  it('is 400 when it is not an object', async () => {
    for (const text of ['null', '[]', '"text"', '1', 'true']) {
      expectRefusal(await send(text), 400, 'invalid_field', { field: 'body' });
    }
  });

  it('is 400 when it is not UTF-8', async () => {
    const latin1 = Buffer.from(JSON.stringify({ ...body(), note: 'café' }), 'latin1');
    const overlong = Buffer.concat([
      Buffer.from(`${json().slice(0, -1)},"x":"`),
      Buffer.from([0xc0, 0x80]),
      Buffer.from('"}'),
    ]);
    const surrogate = Buffer.concat([
      Buffer.from(`${json().slice(0, -1)},"x":"`),
      Buffer.from([0xed, 0xa0, 0xbd]),
      Buffer.from('"}'),
    ]);
    for (const bytes of [latin1, overlong, surrogate]) {
      expectRefusal(await send(new Uint8Array(bytes)), 400, 'invalid_json');
    }
  });

  it('is taken up to 1 MiB, and 413 over it', async () => {
    const padded = (bytes: number) => {
      const text = json();
      return text + ' '.repeat(bytes - Buffer.byteLength(text));
    };
    expectRefusal(await send(padded(MIB + 1)), 413, 'too_large');
    expectRefusal(await send(padded(4 * MIB)), 413, 'too_large');
    expect((await send(padded(MIB))).status).toBe(200);
  });

  it('is 413 also when it comes in chunks of a length that nobody told before', async () => {
    const { token } = await who();
    const chunk = new Uint8Array(64 * 1024).fill(0x20);
    const chunked = new ReadableStream({
      start(controller) {
        for (let sent = 0; sent <= MIB; sent += chunk.length) controller.enqueue(chunk.slice());
        controller.close();
      },
    });
    const request: RequestInit & { duplex: 'half' } = {
      method,
      body: chunked,
      duplex: 'half',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    };
    const answer = await fetch(`${server.url}${BASE}${path()}`, request);
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ status: 'error', code: 'too_large' });
  });

  it('is not looked at before the token', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const text of ['{', 'x'.repeat(2 * MIB)]) {
      const answer = await ask(server, method, `${BASE}${path()}`, { headers, body: text });
      expectRefusal(answer, 401, 'unauthorized');
    }
    expectRefusal(await ask(server, method, `${BASE}${path()}`, { body: 'x' }), 401, 'unauthorized');
  });
});

describe('after a refused body', () => {
  it('the same connection goes on', async () => {
    for (let n = 0; n < 5; n++) {
      expect((await owner.post('/group', { nme: 'typo' })).status).toBe(400);
      expect((await owner.send('POST', '/group', 'x'.repeat(2 * MIB))).status).toBe(415);
      expect((await owner.post('/group', { name: 'g' })).status).toBe(200);
    }
  });
});

describe('after a body of many chunks', () => {
  it('the same connection goes on, also when the token was new and the body had to wait for it', async () => {
    // Small enough to be read at one go, large enough to make the server pause before the end.
    for (const kibibytes of [24, 40, 72, 96, 120, 160, 400]) {
      for (let n = 0; n < 4; n++) {
        const token = await sign({ sub: owner.id, jti: `unseen ${kibibytes} ${n}` });
        const head = `HTTP/1.1\r\nHost: parley\r\nAuthorization: Bearer ${token}\r\n`;
        const chunks = `2000\r\n${' '.repeat(8192)}\r\n`.repeat(kibibytes / 8);
        const body = `Transfer-Encoding: chunked\r\n\r\n${chunks}c\r\n{"name":"g"}\r\n0\r\n\r\n`;
        const connection = await TcpConnection.open(server);
        connection.write(`POST /api/v1/group ${head}Content-Type: application/json\r\n${body}`);
        expect(await connection.status()).toBe(200);
        connection.write(`GET /api/v1/user ${head}\r\n`);
        await until(() => connection.text.split('HTTP/1.1 200').length === 3);
        connection.cut();
      }
    }
  });
});

describe('multipart where no photo is taken', () => {
  it('is 415', async () => {
    const form = new FormData();
    form.set('json', JSON.stringify({ users: [{ id: other.id }] }));
    expectRefusal(await owner.post(`/group/${group}/add`, form), 415, 'unsupported_media_type');
    expectRefusal(await owner.delete(`/group/${group}/delete`, form), 415, 'unsupported_media_type');
  });
});
