import { readFileSync } from 'node:fs';

/** A process of the floods and of the soak needs this many file descriptors at once, with some to spare. */
const DESCRIPTORS_MIN = 8192;

/** Throws when the limit is too low, so that a long run does not fail halfway. */
export function assertDescriptors(): void {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const soft = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  if (soft < DESCRIPTORS_MIN)
    throw new Error(
      `this takes ${DESCRIPTORS_MIN} file descriptors, and the limit is ${soft}: ulimit -n 20000`,
    );
}
