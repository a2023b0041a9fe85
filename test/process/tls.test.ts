import type { ChildProcess } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitOf, launch, SECRET } from '../support/server.js';
import { TestSocket } from '../support/socket.js';
import { sign } from '../support/tokens.js';
import { until } from '../support/wait.js';

const pem = (name: string) => fileURLToPath(new URL(`../support/tls/${name}`, import.meta.url));

let folder: string;
let server: ChildProcess;
let output: { text: string };
let port: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-tls-'));
  await use('cert.pem', 'key.pem');
  const env = {
    WORKERS: '2',
    DATA_DIR: folder,
    JWT_SECRET: SECRET,
    TLS_CERT: join(folder, 'cert.pem'),
    TLS_KEY: join(folder, 'key.pem'),
    ALLOWED_ORIGINS: 'https://chat.example',
  };
  ({ process: server, output } = launch(env));
  port = Number(await until(() => /listening on https:\/\/\S+:(\d+)/.exec(output.text)?.[1]));
});
afterAll(async () => {
  server.kill('SIGTERM');
  expect(await exitOf(server)).toMatchObject({ code: 0 });
  await rm(folder, { recursive: true });
});

async function use(cert: string, key: string): Promise<void> {
  await copyFile(pem(cert), join(folder, 'cert.pem'));
  await copyFile(pem(key), join(folder, 'key.pem'));
}

/** A connection, and the fingerprint of the certificate that it was shown. */
function meet(options: object = {}): Promise<{ socket: TLSSocket; fingerprint: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => {
      resolve({ socket, fingerprint: socket.getPeerCertificate().fingerprint256 });
    });
    socket.on('error', reject);
  });
}
async function fingerprints(): Promise<string[]> {
  const met = await Promise.all(Array.from({ length: 20 }, () => meet()));
  for (const { socket } of met) socket.destroy();
  return [...new Set(met.map(({ fingerprint }) => fingerprint))];
}

/** Creates a profile; resolves to the status. */
async function createProfile(sub: number): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${await sign({ sub })}`, 'content-type': 'application/json' };
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false, method: 'POST', headers };
  return new Promise((resolve, reject) => {
    const asked = request({ ...options, path: '/api/v1/user' }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    });
    asked.on('error', reject).end(JSON.stringify({ username: `user-${sub}`, name: 'User' }));
  });
}

describe('with TLS_CERT and TLS_KEY', () => {
  it('serves HTTPS', async () => {
    const { socket } = await meet();
    socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toContain('\r\nStrict-Transport-Security: max-age=31536000\r\n');
  });

  it('serves WSS', async () => {
    const headers = { authorization: `Bearer ${await sign({ sub: 1 })}` };
    const refused = await TestSocket.refused(`wss://127.0.0.1:${port}/api/v1/main`, {
      headers,
      rejectUnauthorized: false,
    });
    expect([refused.status, refused.body.code]).toEqual([403, 'profile_required']);
  });

  it('has an origin of https, whose pages may use it', async () => {
    const codeFor = async (origin: string) => {
      const headers = { origin, authorization: `Bearer ${await sign({ sub: 1 })}` };
      const options = { headers, rejectUnauthorized: false };
      return (await TestSocket.refused(`wss://127.0.0.1:${port}/api/v1/main`, options)).body.code;
    };
    expect(await codeFor(`https://127.0.0.1:${port}`)).toBe('profile_required');
    expect(await codeFor(`http://127.0.0.1:${port}`)).toBe('origin_not_allowed');
  });

  it('does not speak TLS 1.1', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await expect(meet(old)).rejects.toThrow();
  });

  it('reads a new certificate at SIGHUP, and keeps the one it has when the new one is no good', async () => {
    const [first] = await fingerprints();
    await use('next-cert.pem', 'next-key.pem');
    server.kill('SIGHUP');
    await until(async () => {
      const [one, ...others] = await fingerprints().catch((error: NodeJS.ErrnoException) => {
        // What waits to be accepted by a worker that stops listening is reset by the kernel.
        if (error.code !== 'ECONNRESET') throw error;
        return [first];
      });
      return one !== first && others.length === 0;
    });
    const next = await fingerprints();
    await writeFile(join(folder, 'cert.pem'), 'no certificate');
    server.kill('SIGHUP');
    await until(() => output.text.includes('TLS_CERT is no file'));
    expect(await fingerprints()).toEqual(next);
    expect(await createProfile(7)).toBe(200);
  });
});
