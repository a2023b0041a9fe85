import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { exitOf } from '../support/server.js';
import { until } from '../support/wait.js';

/** Every call that can change a file's bytes, size or name, or make it durable, and what leaves by a socket. */
const CALLS = [
  'openat,open,creat,mkdir,mkdirat,mknod,unlink,unlinkat,rmdir,rename,renameat,renameat2,link,linkat,symlink',
  'write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice,copy_file_range',
  'truncate,ftruncate,fallocate,mmap,fsync,fdatasync,sync_file_range,msync,sync,syncfs',
]
  .join(',')
  .replace(/\w+/g, '?$&'); // Not every machine has each of them.
/** No write is longer. */
const STRING_BYTES_MAX = 4 * 1024 * 1024;

/** The built program under strace, with all processes that it starts. */
export class TracedProcess {
  readonly #strace: ChildProcess;
  readonly #tracePath: string;
  #said = '';

  /** Runs `main` with these arguments and these settings and no others; the trace goes to `tracePath`. */
  constructor(
    tracePath: string,
    main: string,
    args: readonly string[],
    settings: Readonly<Record<string, string>>,
  ) {
    this.#tracePath = tracePath;
    const options = ['-f', '-y', '--seccomp-bpf', '-s', String(STRING_BYTES_MAX), '-e', `trace=${CALLS}`];
    this.#strace = spawn('strace', [...options, '-o', tracePath, process.execPath, main, ...args], {
      // What libuv would do through io_uring no trace shows.
      env: { PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'warn', UV_USE_IO_URING: '0', ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#strace.stdout, this.#strace.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said += text;
      });
    }
    this.#strace.on('error', (error) => {
      this.#said += `strace cannot be started: ${error.message}`;
    });
  }

  /** What the processes, and strace, printed. */
  get said(): string {
    return this.#said;
  }

  /** Resolves to the first process's id. Rejects when it cannot be traced, with what was said. */
  begun(): Promise<number> {
    return until(() => {
      const thread = /^\d+/.exec(this.#trace())?.[0];
      if (thread === undefined && this.#ended && this.#said !== '') throw new Error(this.#said);
      return thread === undefined ? undefined : Number(thread);
    });
  }

  /** Sends the first process a signal that ends it; resolves when the trace is complete. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (!this.#ended) {
      const ended = exitOf(this.#strace);
      process.kill(await this.begun(), signal);
      await ended;
    }
  }

  get #ended(): boolean {
    const { pid, exitCode, signalCode } = this.#strace;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  #trace(): string {
    return existsSync(this.#tracePath) ? readFileSync(this.#tracePath, 'latin1') : '';
  }
}
