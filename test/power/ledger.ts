import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { exitOf, SECRET } from '../support/server.js';
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

/** The real ledger process under strace. */
export class TracedLedger {
  readonly #strace: ChildProcess;
  readonly #tracePath: string;
  #said = '';

  /** `main` is the built program, of which this is the process `ledger`; the trace goes to `tracePath`. */
  constructor(main: string, dataDir: string, tracePath: string) {
    this.#tracePath = tracePath;
    const options = ['-f', '-y', '--seccomp-bpf', '-s', String(STRING_BYTES_MAX), '-e', `trace=${CALLS}`];
    this.#strace = spawn('strace', [...options, '-o', tracePath, process.execPath, main, 'ledger'], {
      // What libuv would do through io_uring no trace shows.
      env: {
        PATH: process.env['PATH'] ?? '',
        DATA_DIR: dataDir,
        JWT_SECRET: SECRET,
        LOG_LEVEL: 'warn',
        UV_USE_IO_URING: '0',
      },
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

  /** Resolves to the ledger's process id. Rejects when it cannot be traced, with what was said. */
  begun(): Promise<number> {
    return until(() => {
      const thread = /^\d+/.exec(this.#trace())?.[0];
      if (thread === undefined && this.#ended && this.#said !== '') throw new Error(this.#said);
      return thread === undefined ? undefined : Number(thread);
    });
  }

  /** Ends the ledger, or kills it; resolves when the trace is complete, to what was printed. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<string> {
    if (!this.#ended) {
      const ended = exitOf(this.#strace);
      process.kill(await this.begun(), signal);
      await ended;
    }
    return this.#said;
  }

  get #ended(): boolean {
    const { pid, exitCode, signalCode } = this.#strace;
    return pid === undefined || exitCode !== null || signalCode !== null;
  }

  #trace(): string {
    return existsSync(this.#tracePath) ? readFileSync(this.#tracePath, 'latin1') : '';
  }
}
