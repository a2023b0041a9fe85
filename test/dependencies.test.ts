import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** The folders and files of src that each folder may import beside itself. */
const OURS: Readonly<Record<string, readonly string[]>> = {
  chat: [],
  api: ['chat'],
  store: ['chat', 'maybe-promise'],
  link: ['chat', 'maybe-promise', 'store/read-store', 'store/write-store'],
  ledger: ['chat', 'store/write-store'],
  server: [
    'api',
    'chat',
    'link/bus',
    'link/limits',
    'maybe-promise',
    'operator-error',
    'store/loading',
    'store/photo-store',
    'store/read-store',
  ],
  // The generated secret must survive a power loss, as the store's files must.
  'server/auth': [
    'api/frames',
    'chat',
    'data-folder/problem',
    'operator-error',
    'store/fsync',
    'store/read-store',
  ],
  'data-folder': ['operator-error', 'storage', 'store/space'],
  cli: [
    'api',
    'chat',
    'config',
    'data-folder',
    'link',
    'operator-error',
    'prove/options',
    'prove/prove',
    'prove/usage',
    'server/auth',
    'storage',
    'store/read-store',
  ],
  // Its clients know the API alone. The checker reads the log itself, to check against it what they saw.
  prove: ['api', 'chat', 'config', 'operator-error', 'process/port', 'storage', 'store/read-store'],
  'prove/clients': [
    'prove/checker/read-log',
    'prove/history',
    'prove/message',
    'prove/message-key',
    'prove/random',
    'prove/run-context',
  ],
  'prove/checker': [
    'chat',
    'prove/history',
    'prove/message',
    'prove/message-key',
    'prove/random',
    'storage',
    'store/read-store',
  ],
};

/** A file is under the rule of the innermost folder that has one. */
const isUnder = (file: string, folder: string) =>
  file.startsWith(`${folder}/`) &&
  !Object.keys(OURS).some((inner) => inner.length > folder.length && within(file, inner));

/** The only files (or folders) that may import a library. What is not listed is not a dependency of the product. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  zod: [
    'chat',
    'api',
    'link/redis/channels',
    'config',
    'server/auth/jwks-cache',
    'server/http/body',
    'server/http/endpoints/endpoint',
    'store/given-ids',
  ],
  'better-sqlite3': ['store/sqlite'],
  'uWebSockets.js': ['server'],
  jose: ['server/auth'],
  formidable: ['server/uploads'],
  ioredis: ['link/redis/connection'],
  'ipaddr.js': ['server/limits/client-address'],
  'lru-cache': [
    'server/auth',
    'server/hub/caches',
    'server/hub/pages',
    'store/sqlite/read/unread',
    'store/sqlite/write/chat-write-cache',
  ],
  pino: ['log'],
  sharp: ['store/files/sizes'],
  ws: ['cli/demo', 'prove'],
};

/** Libraries that are loaded when they are first needed, because most processes do without them. */
const LAZY = ['formidable', 'ioredis', 'ws'];

interface Import {
  readonly from: string;
  readonly of: string;
  readonly isType: boolean;
  readonly isLazy: boolean;
}

const modules = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.split(sep).join('/'));
const imports = modules.flatMap(importsOf);

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const from = file.replace(/\.ts$/, '');
  const found: Import[] = [];
  for (const [, type, of] of text.matchAll(/^\s*(?:import|export)\s(type\s)?[^;'"]*?from '([^']+)';/gm)) {
    found.push({ from, of: resolved(from, of ?? ''), isType: type !== undefined, isLazy: false });
  }
  for (const [, of] of text.matchAll(/\bimport\('([^']+)'\)/g)) {
    found.push({ from, of: resolved(from, of ?? ''), isType: false, isLazy: true });
  }
  return found;
}

/** Returns a relative import as a path in src without its ending, and any other as it is. */
function resolved(from: string, of: string): string {
  if (!of.startsWith('.')) return of;
  return relative('.', normalize(join(dirname(from), of))).replace(/\.js$/, '');
}

const within = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);
const isOurs = (of: string) => modules.includes(`${of}.ts`);

/** The circles that a depth-first search over the imports comes upon; empty when there is none. */
function circles(links: readonly Import[]): string[] {
  const found: string[] = [];
  const finished = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start !== -1) found.push([...path.slice(start), file].join(' → '));
    if (start !== -1 || finished.has(file)) return;
    for (const { from, of } of links) if (from === file) visit(of, [...path, file]);
    finished.add(file);
  };
  for (const { from } of links) visit(from, []);
  return found;
}

describe('the dependency rules', () => {
  it('see the whole tree', () => {
    expect(modules.length).toBeGreaterThan(40);
    expect(imports.length).toBeGreaterThan(150);
  });

  it.each(Object.entries(OURS))('%s imports nothing of ours but itself and [%s]', (folder, allowed) => {
    const strange = imports
      .filter(({ from, of }) => isUnder(from, folder) && isOurs(of) && !within(of, folder))
      .filter(({ of }) => !allowed.some((path) => within(of, path)));
    expect(strange).toEqual([]);
  });

  it('only the processes compose: nothing else imports them', () => {
    const strange = imports.filter(
      ({ from, of }) =>
        from !== 'main' && !within(from, 'process') && (of === 'main' || within(of, 'process')),
    );
    // Whoever starts a server needs a port for it; the file composes nothing.
    expect(strange.filter(({ of }) => of !== 'process/port')).toEqual([]);
  });

  it('there is no import circle, also none of types alone', () => {
    expect(circles(imports)).toEqual([]);
    // The search itself finds one.
    const link = (from: string, of: string) => ({ from, of, isType: true, isLazy: false });
    const withCircle = [link('a', 'b'), link('b', 'c'), link('c', 'd'), link('d', 'b'), link('a', 'd')];
    expect(circles(withCircle)).toEqual(['b → c → d → b']);
  });

  it('SQLite is named in one place', () => {
    const strange = imports.filter(
      ({ from, of }) => within(of, 'store/sqlite') && !within(from, 'store/sqlite') && from !== 'storage',
    );
    expect(strange).toEqual([]);
  });

  it('each library is imported in its place alone, and none that is not listed', () => {
    const libraries = imports.filter(({ of }) => !isOurs(of) && !of.startsWith('node:'));
    const strange = libraries.filter(
      ({ from, of }) => !(LIBRARIES[of] ?? []).some((place) => within(from, place)),
    );
    expect(strange).toEqual([]);
    expect(new Set(libraries.map(({ of }) => of))).toEqual(new Set(Object.keys(LIBRARIES)));
  });

  it('what only some processes need is loaded lazily', () => {
    const eager = imports.filter(({ of, isType, isLazy }) => LAZY.includes(of) && !isType && !isLazy);
    expect(eager).toEqual([]);
  });

  it('the dependencies of package.json are those that the product imports', () => {
    const manifest = JSON.parse(readFileSync(join(SRC, '..', 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(manifest.dependencies).sort()).toEqual(Object.keys(LIBRARIES).sort());
  });

  it('the environment is read in config.ts alone', () => {
    const readers = modules.filter((file) => /\bprocess\.env\b/.test(readFileSync(join(SRC, file), 'utf8')));
    expect(readers).toEqual(['config.ts']);
  });

  it('only the store knows SQL', () => {
    const sql = /\b(SELECT\s.+\sFROM|INSERT INTO|DELETE FROM|UPDATE \w+ SET|CREATE TABLE)\b/;
    const speakers = modules.filter((file) => sql.test(readFileSync(join(SRC, file), 'utf8')));
    expect(speakers.filter((file) => !file.startsWith('store/sqlite/'))).toEqual([]);
    expect(speakers.length).toBeGreaterThan(3);
  });
});
