import { parseArgs } from 'node:util';
import { callerOf, claimOf, MAPPED_USER_ID_MIN } from '../chat/users.js';
import type { Config } from '../config.js';
import { assertUsable } from '../data-folder/prepare.js';
import { LinkClient } from '../link/client.js';
import { linkPath } from '../link/protocol.js';
import { OperatorError } from '../operator-error.js';

const USAGE =
  'usage: npm run revoke -- --sub <user> [--before <2026-01-31T12:00:00Z, or seconds since 1970>]';
const ANSWER_MS_MAX = 10_000;

/**
 * `revoke --sub 1`: revokes every token of the user that was issued before now, or before another time. It talks to the
 * ledger of the running server, and resolves when the revocation is on disk.
 */
export async function runRevoke(args: readonly string[], { dataDir }: Config): Promise<void> {
  const { claim, before } = options(args);
  // The link tries again for as long as it cannot connect, so a refusal is said before.
  assertUsable(dataDir, linkPath(dataDir));
  await revoke(dataDir, claim, before);
  const time = new Date(before * 1000).toISOString();
  console.log(`tokens for ${JSON.stringify(claim)} that were issued before ${time} are revoked`);
  if (/^\d+$/.test(claim) && Number(claim) >= MAPPED_USER_ID_MIN)
    console.log(
      'this looks like an id that parley assigned: --sub is the id in the tokens, not the one that the API shows',
    );
}

function revoke(dataDir: string, claim: string, before: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const link = new LinkClient({
      path: linkPath(dataDir),
      accept: () => undefined,
      fatal: reject,
      warn: () => undefined,
      position: () => undefined,
    });
    const timer = setTimeout(() => {
      reject(new OperatorError(`no server answers on ${dataDir}; is it running, with this DATA_DIR?`));
      link.close();
    }, ANSWER_MS_MAX);
    const done = async () => {
      await link.connect();
      await link.submit('revoke_tokens', { claim, before });
      clearTimeout(timer);
      link.close();
    };
    done().then(resolve, reject);
  });
}

function options(args: readonly string[]): { claim: string; before: number } {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { sub: { type: 'string', multiple: true }, before: { type: 'string' } },
    });
    const [sub, ...others] = values.sub ?? [];
    const caller = callerOf(sub);
    if (others.length > 0) throw new Error('--sub must be one user; run the command once for each');
    if (caller === undefined) throw new Error('--sub must name the user of the tokens');
    return { claim: claimOf(caller), before: seconds(values.before) };
  } catch (error) {
    throw new OperatorError(`${(error as Error).message}\n${USAGE}`);
  }
}

/** Parses --before. The default includes tokens of the present second, because they carry whole seconds. */
function seconds(text: string | undefined): number {
  const now = Math.floor(Date.now() / 1000) + 1;
  if (text === undefined) return now;
  const time = /^\d+$/.test(text) ? Number(text) : Math.ceil(Date.parse(text) / 1000);
  if (!(time > 0)) throw new Error('--before must be a time');
  if (time > now) throw new Error('--before must not be in the future');
  return time;
}
