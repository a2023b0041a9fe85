import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { census, classesOf } from './census.js';

/**
 * Loaded before a server's own code (`--import`): at SIGUSR2 it writes a census of its process into this folder. And it
 * collects garbage a few times a minute and gives back what is free, so that RSS tells what is held: by itself V8 keeps
 * 35 MB for what a ledger makes and drops (heapTotal 50 MB, used 15), and comes to that in half an hour.
 */
const folder = process.env['SOAK_CENSUS'] ?? '.';
const DIST = fileURLToPath(new URL('../../../dist', import.meta.url));
/** The folders whose modules this process has loaded anyway. Others would be loaded only for the census. */
const FOLDERS = process.argv.at(-1) === 'ledger' ? ['ledger', 'link', 'store/sqlite'] : ['server', 'link'];

const COLLECT_EVERY_MS = 20_000;
setInterval(() => void collect(), COLLECT_EVERY_MS).unref();

async function collect(): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.collectGarbage');
  session.disconnect();
}

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
