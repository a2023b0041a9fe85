import type { Config } from '../config.js';
import { readOptions } from '../prove/options.js';
import { prove } from '../prove/prove.js';
import { USAGE } from '../prove/usage.js';
import { mintToken } from './token.js';

/** `prove`: see USAGE. The exit code is 1 when a count is not 0. */
export async function runProve(args: readonly string[], config: Config): Promise<void> {
  const options = readOptions(args);
  if (options === 'help') return console.log(USAGE);
  process.exit((await prove(options, config, mintToken)) ? 0 : 1);
}
