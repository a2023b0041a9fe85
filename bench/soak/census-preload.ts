import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { census, classesOf } from './census.js';

/**
 * Loaded before a server's own code (`--import`): at SIGUSR2 it writes a census of its process into this folder. And it
 * collects garbage once a minute, so that RSS tells what is held: by itself V8 would let a process that makes little of
 * it come to 20 MB more before it looks, half an hour later.
 */
const folder = process.env['SOAK_CENSUS'] ?? '.';
const DIST = fileURLToPath(new URL('../../../dist', import.meta.url));
/** Of what the process has loaded: more would be opened only to be looked at. */
const FOLDERS = process.argv.at(-1) === 'ledger' ? ['ledger', 'store/sqlite'] : ['server', 'ledger', 'bus'];

const COLLECT_EVERY_MS = 60_000;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
setInterval(collect, COLLECT_EVERY_MS).unref();

process.on('SIGUSR2', () => {
  void classesOf(FOLDERS.map((name) => join(DIST, name)))
    .then(census)
    .catch((error: unknown) => ({ error: String(error) }))
    .then((found) => {
      const file = join(folder, String(process.pid));
      writeFileSync(`${file}.part`, JSON.stringify(found));
      renameSync(`${file}.part`, `${file}.json`);
    });
});
