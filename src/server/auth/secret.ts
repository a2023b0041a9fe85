import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asFolderProblem } from '../../data-folder/problem.js';
import { OperatorError } from '../../operator-error.js';
import { replaceSynced } from '../../store/fsync.js';

/** The file of the secret that tokens are verified with when no key is configured. The first ledger of a data folder creates it. */
export function secretFile(dataDir: string): string {
  return join(dataDir, 'jwt.secret');
}

/** The least length of any secret that tokens are verified with. */
export const SECRET_BYTES_MIN = 32;

/** Returns the generated secret, or undefined when there is none yet. Throws an OperatorError when it is too short or cannot be read. */
export function readSecret(dataDir: string): string | undefined {
  try {
    const secret = readFileSync(secretFile(dataDir), 'utf8').trim();
    if (Buffer.byteLength(secret) >= SECRET_BYTES_MIN) return secret;
    throw new OperatorError(`${secretFile(dataDir)} must hold at least ${SECRET_BYTES_MIN} bytes`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw asFolderProblem(dataDir, error);
  }
}

/**
 * Creates the secret if there is none. Only the owner can read it, and a power loss leaves it whole or absent. Throws an
 * OperatorError when it cannot be read or written.
 */
export function ensureSecret(dataDir: string): void {
  if (readSecret(dataDir) !== undefined) return;
  try {
    replaceSynced(secretFile(dataDir), `${randomBytes(48).toString('base64url')}\n`);
  } catch (error) {
    throw asFolderProblem(dataDir, error);
  }
}
