// node scripts/run.js <command> [argument …]: what the npm scripts that start other processes run through, so that
// nothing of them is left when npm is told to end. Ends as the command did.
import { runInGroup } from './process-group.js';

const [command, ...args] = process.argv.slice(2);
const { error, status, signal } = await runInGroup(command, args, { stdio: 'inherit' });
if (error !== undefined) console.error(`${command} did not start: ${error.message}`);
if (typeof signal === 'string') process.kill(process.pid, signal);
process.exitCode = status ?? 1;
