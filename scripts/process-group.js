// Runs a command in a process group of its own, and leaves nothing of that group behind: not when the command ends, not
// when this process is told to end (SIGTERM, SIGINT, SIGHUP), and not when npm has ended, which passes on no SIGHUP.
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server drains for up to 10 seconds. */
const GRACE_MS = 15_000;
const LOOK_EVERY_MS = 50;
const PARENT_EVERY_MS = 250;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'];

const parent = process.ppid;

/**
 * Resolves to how the command ended, `{ status, signal }`, or to the `error` for which it did not begin, when nothing
 * of its group is left. When this process is told to end meanwhile, it does so after the group, and this never resolves.
 */
export async function runInGroup(command, args, options) {
  let told;
  let ending;
  const stop = (signal) => {
    if (told !== undefined) return; // A terminal and npm may both send it.
    told = signal;
    ending = endGroup(child.pid);
  };
  // A signal that comes from now on is handled when the command has begun.
  for (const signal of SIGNALS) process.on(signal, stop);
  const child = spawn(command, args, { ...options, detached: true });
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve({ error }));
    child.once('exit', (status, signal) => resolve({ status, signal }));
  });
  const watch = setInterval(() => hasLostNpm() && stop('SIGHUP'), PARENT_EVERY_MS);

  const how = await ended;
  // It is asked once, because what ends in order may run other commands for that.
  await (ending ?? endGroup(child.pid));
  clearInterval(watch);
  for (const signal of SIGNALS) process.off(signal, stop);
  if (told === undefined) return how;
  process.kill(process.pid, told); // So whoever waits for this process learns why it ended.
  return new Promise(() => setInterval(() => undefined, GRACE_MS));
}

/** Resolves when no process of the group is left. There is none when the command did not begin. */
async function endGroup(group) {
  if (group === undefined) return;
  const deadline = performance.now() + GRACE_MS;
  // What was frozen could not end.
  for (const signal of ['SIGTERM', 'SIGCONT']) send(group, signal);
  while (send(group, 0)) {
    if (performance.now() > deadline) return void send(group, 'SIGKILL');
    await sleep(LOOK_EVERY_MS);
  }
}

/** Returns false when nobody is left to send it to. */
function send(group, signal) {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}

function hasLostNpm() {
  return process.env.npm_lifecycle_event !== undefined && process.ppid !== parent;
}
