import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { searchPath } from '../../src/config.js';
import { freePort } from '../../src/process/port.js';
import { Cors } from '../../src/server/http/cors.js';
import { securityHeaders } from '../../src/server/http/security-headers.js';
import { exitOf } from '../support/server.js';
import { until } from '../support/wait.js';

export const PROXIES = ['nginx', 'haproxy'] as const;
export type ProxyName = (typeof PROXIES)[number];

/** What stands in a sample, everywhere, and what stands there in a test. */
export type Replacement = readonly [from: string, to: string];

interface Place {
  readonly folder: string;
  readonly upstream: number;
  readonly plain: number;
  readonly port: number;
}

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const SAMPLES = {
  nginx: file('../../deploy/nginx.conf'),
  haproxy: file('../../deploy/haproxy.cfg'),
} as const;
const CERTIFICATE = file('../support/tls/cert.pem');
const KEY = file('../support/tls/key.pem');
const BY_ROOT = process.getuid?.() === 0;

/** What a browser is told where TLS ends, with the value that parley has for it. */
export const OF_TLS = /^Strict-Transport-Security: (.*)$/m.exec(
  securityHeaders({ tls: true, cors: new Cors([]) }).json[1].replaceAll('\r', ''),
)?.[1];

const children = new Set<ChildProcess>();
/** A test that is cut off leaves nothing behind. */
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export function sampleOf(name: ProxyName): string {
  return readFileSync(SAMPLES[name], 'utf8');
}

/** All that a test changes in a sample: ports, places of files, and the user, who is the one that runs the test. */
function replacements(name: ProxyName, { folder, upstream, plain, port }: Place): readonly Replacement[] {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join(' ');
  if (name === 'nginx')
    return [
      ['user www-data;', `${BY_ROOT ? 'user root root; ' : ''}pid ${folder}/nginx.pid;`],
      ['/var/log/nginx/', `${folder}/`],
      ['http {', `http { ${temporary}`],
      ['listen 80;', `listen 127.0.0.1:${plain};`],
      ['listen [::]:80;', ''],
      ['listen 443 ssl;', `listen 127.0.0.1:${port} ssl;`],
      ['listen [::]:443 ssl;', ''],
      ['/etc/ssl/parley/fullchain.pem', CERTIFICATE],
      ['/etc/ssl/parley/privkey.pem', KEY],
      ['server 127.0.0.1:8080', `server 127.0.0.1:${upstream}`],
    ];
  return [
    ['user haproxy\n', '\n'],
    ['group haproxy\n', '\n'],
    ['chroot /var/lib/haproxy\n', '\n'],
    ['bind :80\n', `bind 127.0.0.1:${plain}\n`],
    ['bind :443', `bind 127.0.0.1:${port}`],
    ['/etc/ssl/parley/haproxy.pem', join(folder, 'haproxy.pem')],
    ['server parley 127.0.0.1:8080', `server parley 127.0.0.1:${upstream}`],
  ];
}

export function replaced(sample: string, all: readonly Replacement[]): string {
  let text = sample;
  for (const [from, to] of all) {
    if (!text.includes(from)) throw new Error(`the sample has no ${JSON.stringify(from)}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** A real proxy with the sample configuration of this repository, on free ports and in a folder of its own. */
export class TestProxy {
  readonly #place: Place;
  readonly #process: ChildProcess;
  #output = '';

  private constructor(name: ProxyName, place: Place, more: readonly Replacement[]) {
    this.#place = place;
    const { folder } = place;
    writeFileSync(join(folder, 'haproxy.pem'), readFileSync(CERTIFICATE, 'utf8') + readFileSync(KEY, 'utf8'));
    const config = join(folder, 'proxy.conf');
    writeFileSync(config, replaced(sampleOf(name), [...replacements(name, place), ...more]));
    const args = name === 'nginx' ? ['-p', folder, '-c', config, '-g', 'daemon off;'] : ['-db', '-f', config];
    // Debian has them where only root looks by itself.
    this.#process = spawn(name, args, {
      env: { PATH: `${searchPath()}:/usr/sbin:/usr/local/sbin` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(this.#process);
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
  }

  /** In front of what listens on the port `upstream`. */
  static async start(
    name: ProxyName,
    upstream: number,
    more: readonly Replacement[] = [],
  ): Promise<TestProxy> {
    const folder = mkdtempSync(join(tmpdir(), `parley-${name}-`));
    const place = { folder, upstream, plain: await freePort(), port: await freePort() };
    const proxy = new TestProxy(name, place, more);
    await until(() => {
      if (proxy.#process.exitCode !== null) throw new Error(`${name} ended: ${proxy.#output}`);
      return isOpen(place.port);
    }).catch(async (error) => {
      await proxy.stop();
      throw error;
    });
    return proxy;
  }

  /** Where it speaks TLS. */
  get port(): number {
    return this.#place.port;
  }

  /** Where it sends clients on to the other. */
  get plainPort(): number {
    return this.#place.plain;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** All that it wrote, to its logs and otherwise. */
  get log(): string {
    const logs = ['parley.log', 'error.log'].map((name) => {
      try {
        return readFileSync(join(this.#place.folder, name), 'utf8');
      } catch {
        return '';
      }
    });
    return [this.#output, ...logs].join('\n');
  }

  async stop(): Promise<void> {
    const ended = exitOf(this.#process);
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill('SIGTERM');
    await ended;
    children.delete(this.#process);
    rmSync(this.#place.folder, { recursive: true, force: true });
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
