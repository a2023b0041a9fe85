import type { Config } from '../config.js';
import { asFolderProblem, folderProblem } from '../data-folder/problem.js';
import { OperatorError } from '../operator-error.js';
import { Authenticator } from '../server/auth/authenticator.js';
import type { Identity } from '../server/auth/identity.js';
import { Revocations } from '../server/auth/revocations.js';
import { readSecret } from '../server/auth/secret.js';
import { TokenRefusal } from '../server/auth/token-refusal.js';
import { describeTime } from '../server/auth/token-times.js';
import { storage } from '../storage.js';
import type { ReadStore } from '../store/read-store.js';

/** Resolves to a text that names the token's user and its end, and an `iat` that cannot be. Throws an OperatorError that explains why it is refused. */
export async function checkToken(config: Config, token: string): Promise<string> {
  const { jwt, dataDir } = config;
  const generated = jwt.key === undefined ? readSecret(dataDir) : undefined;
  if (jwt.key === undefined && generated === undefined)
    throw new OperatorError(`there is no secret in ${dataDir} yet; start the server once, it makes one`);
  const revocations = await revocationsIn(dataDir);
  let jwksError: unknown;
  const auth = new Authenticator(jwt, generated, Date.now, {
    isRevoked: (identity) => revocations?.has(identity) ?? false,
    jwksFailed: (error) => {
      jwksError = error;
    },
  });
  try {
    const verified = await auth.check(token);
    return [describeIdentity(verified.identity), ...warningsOf(auth.doubtOf(verified))].join('\n');
  } catch (error) {
    if (jwksError !== undefined)
      throw new OperatorError(`JWT_JWKS_URL could not be read: ${(jwksError as Error).message}`);
    if (!(error instanceof TokenRefusal)) throw error;
    throw new OperatorError(`this server refuses the token: ${error.why}`);
  } finally {
    auth.close();
  }
}

/** The revocations in the database; undefined while there is no database. Errors: OperatorError when it cannot be read. */
async function revocationsIn(dataDir: string): Promise<Revocations | undefined> {
  let store: ReadStore | undefined;
  try {
    if (!storage.exists(dataDir)) return undefined;
    store = storage.openReader(dataDir);
    return new Revocations((await store.revocations()).value);
  } catch (error) {
    if (storage.classify(error) === undefined) throw asFolderProblem(dataDir, error);
    throw folderProblem(
      dataDir,
      `has a database that cannot be read (${(error as Error).message})`,
      'run this as the user of the server',
    );
  } finally {
    store?.close();
  }
}

function describeIdentity({ caller, expiresAt }: Identity): string {
  const who = 'id' in caller ? `user ${caller.id}` : `subject ${JSON.stringify(caller.subject)}`;
  const end = expiresAt === undefined ? 'it never expires' : `it expires at ${describeTime(expiresAt)}`;
  return `this server takes the token: it speaks for ${who}, and ${end}`;
}

function warningsOf(doubt: string | undefined): string[] {
  return doubt === undefined ? [] : [`but ${doubt}: any revocation of the user makes the token void`];
}
