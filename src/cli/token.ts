import { parseArgs } from 'node:util';
import type { Config } from '../config.js';
import { OperatorError } from '../operator-error.js';
import { readSecret } from '../server/auth/secret.js';
import { signToken } from '../server/auth/sign-token.js';
import { checkToken } from './check-token.js';

const USAGE =
  'usage: npm run token -- --sub <user> [--name <name>] [--expires <1h, 30m, 7d>]\n' +
  '       npm run token -- --check <token>';

/** With more digits, the server would take the end for milliseconds. */
const DURATION = /^(\d{1,8} ?[smh]|\d{1,6} ?[dw]|\d{1,4} ?y)$/;

/**
 * `token --sub 1`: prints a token that is signed with this server's secret.
 * `token --check <token>`: prints whether this server accepts a token, and if not, why.
 */
export async function runToken(args: readonly string[], config: Config): Promise<void> {
  const { check, sub, name, expires } = options(args);
  if (check !== undefined) return console.log(await checkToken(config, check));
  console.log(await mintToken(config, sub, { name, expires }));
}

/** Returns a token that this server accepts. Throws an OperatorError when the server only has a public key. */
export async function mintToken(
  config: Config,
  sub: string,
  { name, expires }: { name?: string | undefined; expires?: string | undefined } = {},
): Promise<string> {
  const { key, idClaim, issuers, audiences } = config.jwt;
  if (key !== undefined && !('secret' in key)) {
    const name = 'publicKey' in key ? 'JWT_PUBLIC_KEY' : 'JWT_JWKS_URL';
    throw new OperatorError(`tokens are checked with ${name}; they are minted where the private key is`);
  }
  const secret = key?.secret ?? readSecret(config.dataDir);
  if (secret === undefined) {
    throw new OperatorError(
      `there is no secret in ${config.dataDir} yet; start the server once, it makes one`,
    );
  }
  const claims = { [idClaim]: sub, ...(name !== undefined && { name }) };
  return signToken(secret, claims, { issuer: issuers?.[0], audience: audiences?.[0], expires });
}

function options(args: readonly string[]): {
  check: string | undefined;
  sub: string;
  name: string | undefined;
  expires: string | undefined;
} {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        check: { type: 'string' },
        sub: { type: 'string' },
        name: { type: 'string' },
        expires: { type: 'string' },
      },
    });
    const { check, sub = '', name, expires } = values;
    if (check !== undefined) {
      if (Object.keys(values).length > 1) throw new Error('--check takes no other option');
      return { check, sub, name, expires };
    }
    if (sub === '') throw new Error('--sub is missing');
    if (expires !== undefined && !DURATION.test(expires)) throw new Error('--expires must look like 1h');
    return { check, sub, name, expires };
  } catch (error) {
    throw new OperatorError(`${(error as Error).message}\n${USAGE}`);
  }
}
