#!/usr/bin/env node
import { ConfigError, prepareEngine, readConfig } from './config.js';

/** Which process this is: the primary, or what it starts, or a command. */
const [role = 'primary', ...rest] = process.argv.slice(2);

async function main(): Promise<void> {
  switch (role) {
    case 'primary':
      return (await import('./primary.js')).runPrimary(readConfig());
    case 'ledger':
      return (await import('./ledger.js')).runLedger(readConfig());
    case 'worker':
      prepareEngine();
      return (await import('./worker.js')).runWorker(readConfig());
    case 'token':
      return (await import('./cli/token.js')).runToken(rest, readConfig());
    case 'demo':
      return (await import('./cli/demo.js')).runDemo(rest, readConfig());
    default:
      console.error(`parley: there is no command ${role}; there are: token, demo (none: the server)`);
      process.exitCode = 1;
  }
}

main().catch((error: unknown) => {
  const expected = error instanceof ConfigError;
  console.error(expected ? error.message.replace(/^/gm, 'parley: ') : error);
  process.exit(1);
});
