import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** What a folder of src may import of ours (folders and files), beside itself. */
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
  cli: ['api', 'chat', 'config', 'link', 'operator-error', 'prove/prove', 'server/auth', 'storage'],
  // A client of the API like any other; then it reads the log itself, to hold against it what clients saw.
  prove: ['api', 'chat', 'cli/token', 'config', 'operator-error', 'storage', 'store/read-store'],
};

/** The rules that a file is under are those of the innermost folder that has any. */
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
  ],
  'better-sqlite3': ['store/sqlite'],
  'uWebSockets.js': ['server'],
  jose: ['server/auth'],
  formidable: ['server/uploads'],
  ioredis: ['link/redis/connection'],
  'ipaddr.js': ['server/limits/client-address'],
  'lru-cache': ['server/auth', 'server/hub/caches', 'server/hub/pages'],
  pino: ['log'],
  ws: ['cli/demo', 'prove'],
};

/** Loaded when they are first needed: most processes do without. */
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

/** A relative import as a path in src without its ending; others as they are. */
function resolved(from: string, of: string): string {
  if (!of.startsWith('.')) return of;
  return relative('.', normalize(join(dirname(from), of))).replace(/\.js$/, '');
}

const within = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);
const isOurs = (of: string) => modules.includes(`${of}.ts`);

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
    expect(strange).toEqual([]);
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
