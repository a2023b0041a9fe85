import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { census, classesOf } from './census.js';

/** Loaded before a server's own code (`--import`): at SIGUSR2 it writes a census of its process into this folder. */
const folder = process.env['SOAK_CENSUS'] ?? '.';
const DIST = fileURLToPath(new URL('../../../dist', import.meta.url));
/** Of what the process has loaded: more would be opened only to be looked at. */
const FOLDERS = process.argv.at(-1) === 'ledger' ? ['ledger', 'store/sqlite'] : ['server', 'ledger', 'bus'];

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
