import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ChatError } from '../../chat/errors.js';
import type { ImageType } from './images.js';
import type { Sizes } from './sizes.js';

/** Below the deadline of a request, so that a refusal is still heard. */
const DEADLINE_MS = 8000;
const JOBS_MAX = 32;
/** The process takes 60 MB and more, and starts in 0.2 s. */
const IDLE_MS = 10_000;
/** The largest JPEG that is taken needs 0.72 GB while it is decoded, beside 0.18 GB. Whatever needs more is made to. */
const MEMORY_KIB_MAX = 1024 * 1024;
/**
 * What decodes the files of users gets none of the server's secrets. These settings make glibc give the memory of a
 * photo back when it is done, where the process would grow to 0.4 GB.
 */
const ENVIRONMENT = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072' };

/** What a decoder crashes with. */
const CRASHES = ['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIGSYS', 'SIGTRAP'];

export interface ResizeRequest {
  readonly path: string;
  readonly type: ImageType;
}
/** `invalid`: the photo cannot be decoded. `failure`: none can. */
export type ResizeAnswer = Sizes | { readonly invalid: string } | { readonly failure: string };

export interface ResizerOptions {
  /** The program of the process. */
  readonly module?: string;
  /** The process ended with a photo at hand, which is refused. */
  readonly lost?: (exit: string) => void;
}

interface Job {
  readonly request: ResizeRequest;
  readonly timer: NodeJS.Timeout;
  resolve(sizes: Sizes): void;
  reject(error: Error): void;
}

/**
 * Decodes photos and makes their sizes, one after the other, in a process of its own: what a photo costs or breaks stays
 * there. The process has a bound of memory that the system holds it to (`RLIMIT_DATA`), is killed at a deadline, and
 * ends when there was nothing to do for a while.
 */
export class Resizer {
  readonly #module: string;
  readonly #lost: (exit: string) => void;
  /** The first is being worked on. */
  readonly #jobs: Job[] = [];
  #process: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor({
    module = fileURLToPath(new URL('./resizer-process.js', import.meta.url)),
    lost = () => undefined,
  }: ResizerOptions = {}) {
    this.#module = module;
    this.#lost = lost;
  }

  /** Errors: photo_invalid; overloaded, when this is not done in time; others when no photo can be decoded. */
  resize(request: ResizeRequest): Promise<Sizes> {
    if (this.#jobs.length >= JOBS_MAX) return Promise.reject(new ChatError('overloaded'));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#expire(job), DEADLINE_MS);
      const job: Job = { request, timer, resolve, reject };
      if (this.#jobs.push(job) === 1) this.#begin(job);
    });
  }

  /** Ends the process, and refuses what it has not done. */
  close(): void {
    for (const { timer, reject } of this.#jobs.splice(0)) {
      clearTimeout(timer);
      reject(new ChatError('unavailable'));
    }
    this.#end();
  }

  #begin({ request }: Job): void {
    clearTimeout(this.#idle);
    this.#process ??= this.#start();
    // If it has ended, or could not be started, `exit` or `error` says so.
    this.#process.send?.(request, () => undefined);
  }

  #finish(settle: (job: Job) => void): void {
    const job = this.#jobs.shift();
    if (job === undefined) return;
    clearTimeout(job.timer);
    settle(job);
    const [next] = this.#jobs;
    if (next !== undefined) this.#begin(next);
    else this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref();
  }

  #expire(job: Job): void {
    if (job === this.#jobs[0]) {
      const child = this.#process;
      child?.kill('SIGKILL');
      if (child !== undefined) this.#lose(child, 'deadline', new ChatError('overloaded'));
      return;
    }
    this.#jobs.splice(this.#jobs.indexOf(job), 1);
    job.reject(new ChatError('overloaded'));
  }

  #end(): void {
    clearTimeout(this.#idle);
    const child = this.#process;
    this.#process = undefined;
    if (child?.connected) child.disconnect();
  }

  #start(): ChildProcess {
    const script = `ulimit -d ${MEMORY_KIB_MAX}; exec "$0" "$@"`;
    const child = spawn('/bin/sh', ['-c', script, process.execPath, this.#module], {
      env: ENVIRONMENT,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced', // It takes buffers.
    });
    child.on('message', (answer: ResizeAnswer) => {
      if (this.#process === child) this.#finish((job) => settle(job, answer));
    });
    child.on('error', (error) => {
      if (child.pid === undefined) this.#lose(child, error.message, error); // Otherwise `exit` follows.
    });
    child.on('exit', (code, signal) =>
      this.#lose(child, signal ?? `exit code ${code}`, errorOf(code, signal)),
    );
    return child;
  }

  #lose(child: ChildProcess, exit: string, error: Error): void {
    if (this.#process !== child) return; // It was ended, or is lost already.
    this.#process = undefined;
    if (this.#jobs.length > 0) this.#lost(exit);
    this.#finish(({ reject }) => reject(error));
  }
}

function settle({ resolve, reject }: Job, answer: ResizeAnswer): void {
  if ('invalid' in answer) reject(new ChatError('photo_invalid'));
  else if ('failure' in answer) reject(new Error(answer.failure));
  else resolve(answer);
}

/** What ends the process from outside, such as a system that is out of memory, says nothing about the photo. */
function errorOf(code: number | null, signal: NodeJS.Signals | null): Error {
  if (signal === null) return new Error(`the process that decodes photos ended with exit code ${code}`);
  return new ChatError(CRASHES.includes(signal) ? 'photo_invalid' : 'overloaded');
}
