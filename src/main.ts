#!/usr/bin/env node
import { prepareEngine, readConfig } from './config.js';
import { OperatorError } from './operator-error.js';
import { drainOnStop, exitOnStop, STARTED_BY_PRIMARY } from './process/lifecycle.js';

/** The role of this process: the primary, a child that the primary or pm2 starts, or a command. */
const args = process.argv.slice(2);
const isChildOfPrimary = args[0] === STARTED_BY_PRIMARY;
const [role = 'primary', ...rest] = isChildOfPrimary ? args.slice(1) : args;
if (role === 'ledger' || role === 'worker') drainOnStop(isChildOfPrimary);
if (role === 'primary') exitOnStop();

/** The settings of a process that does not listen on the port. */
const configWithoutServing = () => readConfig(undefined, { serves: false });

async function main(): Promise<void> {
  switch (role) {
    case 'primary':
      return (await import('./process/primary.js')).runPrimary(readConfig());
    case 'ledger':
      return (await import('./process/ledger.js')).runLedger(configWithoutServing(), {
        hasPrimary: isChildOfPrimary,
      });
    case 'worker':
      prepareEngine();
      return (await import('./process/worker.js')).runWorker(readConfig());
    case 'token':
      return (await import('./cli/token.js')).runToken(rest, configWithoutServing());
    case 'revoke':
      return (await import('./cli/revoke.js')).runRevoke(rest, configWithoutServing());
    case 'restore':
      return (await import('./cli/restore.js')).runRestore(rest, configWithoutServing());
    case 'demo':
      return (await import('./cli/demo.js')).runDemo(rest, configWithoutServing());
    case 'prove':
      return (await import('./cli/prove.js')).runProve(rest, configWithoutServing());
    default:
      throw new OperatorError(
        `unknown command ${role}; the commands are token, revoke, restore, demo and prove, and no command starts the server`,
      );
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof OperatorError ? error.message.replace(/^/gm, 'parley: ') : error);
  process.exit(1);
});
