import { type ChildProcess, spawn } from 'node:child_process';
import { treeOf } from '../../src/prove/faults/processes.js';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 15_000;

/** A server that is being measured, in processes of its own. */
export interface Target {
  /** The target's name in a Measurement. */
  readonly name: string;
  readonly port: number;
  /** The ids of all of its processes at this moment. */
  pids(): number[];
  stop(): Promise<void>;
}

/**
 * Starts a server's program, which says `listening on <url>:<port>` when it serves. Rejects with what it wrote
 * when it ends before that.
 */
export async function startProgram(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Target> {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const port = await portOf(child, name);
  const pid = child.pid ?? 0;
  return { name, port, pids: () => treeOf(pid), stop: () => stop(child) };
}

function portOf(child: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), START_MS_MAX);
    const read = (bytes: Buffer) => {
      output = (output + bytes.toString()).slice(-10_000);
      const port = /listening on \S+:(\d+)/.exec(output)?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => {
      clearTimeout(timer);
      reject(new Error(`${name} ended: ${output}`));
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}
