#!/usr/bin/env node
import { prepareEngine, readConfig } from './config.js';
import { OperatorError } from './operator-error.js';
import { becomeChild, OF_PRIMARY } from './process/lifecycle.js';

/** Which process this is: the primary, or what it (or pm2) starts, or a command. */
const args = process.argv.slice(2);
const ofPrimary = args[0] === OF_PRIMARY;
const [role = 'primary', ...rest] = ofPrimary ? args.slice(1) : args;
if (role === 'ledger' || role === 'worker') becomeChild(ofPrimary);

/** Of what has no port. */
const ownConfig = () => readConfig(undefined, { serves: false });

async function main(): Promise<void> {
  switch (role) {
    case 'primary':
      return (await import('./process/primary.js')).runPrimary(readConfig());
    case 'ledger':
      return (await import('./process/ledger.js')).runLedger(ownConfig());
    case 'worker':
      prepareEngine();
      return (await import('./process/worker.js')).runWorker(readConfig());
    case 'token':
      return (await import('./cli/token.js')).runToken(rest, ownConfig());
    case 'revoke':
      return (await import('./cli/revoke.js')).runRevoke(rest, ownConfig());
    case 'demo':
      return (await import('./cli/demo.js')).runDemo(rest, ownConfig());
    case 'prove':
      return (await import('./prove/prove.js')).runProve(rest, ownConfig());
    default:
      throw new OperatorError(
        `there is no command ${role}; there are: token, revoke, demo, prove (none: the server)`,
      );
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof OperatorError ? error.message.replace(/^/gm, 'parley: ') : error);
  process.exit(1);
});
