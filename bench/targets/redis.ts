import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { freePort } from './free-port.js';

/** A Redis of the measurement's own, which keeps nothing. */
export interface RedisServer {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Rejects with what `redis-server` wrote when it does not start. */
export async function startRedis(): Promise<RedisServer> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', [...args, '--dir', tmpdir()], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`redis-server ended: ${output}`)));
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
      if (output.includes('Ready to accept connections')) resolve();
    });
  });
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  return { url: `redis://127.0.0.1:${port}`, pid: child.pid ?? 0, stop };
}
