import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MANIFEST = fileURLToPath(new URL('../../node_modules/uWebSockets.js/package.json', import.meta.url));
const { name } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as { name: string };

/** Which of the two engines runs, as scripts/natives.js names them: each has what is known of it alone. */
export const ENGINE: 'newer' | 'older' = name === 'uws-pack' ? 'older' : 'newer';
