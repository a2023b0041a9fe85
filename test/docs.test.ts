import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CLOSE_CODES } from '../src/api/close-codes.js';
import { BASE, channels, routes } from '../src/api/routes.js';
import { closeCodeOf, statusOf } from '../src/api/status.js';
import { ERROR_CODES } from '../src/chat/errors.js';
import { LIMITS } from '../src/chat/limits.js';
import { Environment } from '../src/config.js';
import { VIOLATIONS } from '../src/prove/checker/verdict.js';
import { RENAMED_SETTINGS } from '../src/renamed-settings.js';
import { REFUSAL_REASONS } from '../src/server/auth/token-refusal.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README_BYTES_MAX = 9728;
const PAGES = [
  'README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'bench/README.md',
  ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`),
];

const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8');
const withoutCode = (text: string) => text.replace(/^```.*?^```$/gms, '');

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const headings = withoutCode(readFileSync(page, 'utf8')).matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** The rows of a page's tables that begin with a name in backticks, by that name: the other cells. */
function rowsOf(page: string): Map<string, string[]> {
  const rows = textOf(page).matchAll(/^\| `([^`]+)` \| (.+) \|$/gm);
  return new Map([...rows].map(([, name = '', cells = '']) => [name, cells.split(' | ')]));
}

/** Whether the project has such a file or folder; `{a,b}` and `*` stand for what they do in a shell. */
function isThere(path: string): boolean {
  const [, before = '', names, after = ''] = /^(.*)\{(.+)\}(.*)$/.exec(path) ?? [];
  if (names !== undefined) return names.split(',').every((name) => isThere(`${before}${name}${after}`));
  if (!path.includes('*')) return existsSync(join(ROOT, path));
  const [begin = '', end = ''] = basename(path).split('*');
  return readdirSync(join(ROOT, dirname(path))).some((name) => name.startsWith(begin) && name.endsWith(end));
}

it('the README is a front page', () => {
  expect(Buffer.byteLength(textOf('README.md'))).toBeLessThanOrEqual(README_BYTES_MAX);
});

describe.each(PAGES)('%s', (page) => {
  const text = textOf(page);

  it('has only links that lead somewhere', () => {
    const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const broken = links
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#');
        const file = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), path);
        return !existsSync(file) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
      });
    expect(broken).toEqual([]);
  });

  it('names only files that are there', () => {
    const paths = [...text.matchAll(/`((?:bench|deploy|docs|scripts|src|test)\/[^`\s]+)`/g)];
    expect(paths.map(([, path = '']) => path).filter((path) => !isThere(path))).toEqual([]);
  });

  it('names only commands that npm has', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run (?:--silent )?([a-z:]+)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });
});

describe('docs/api.md', () => {
  const api = textOf('docs/api.md');
  const short = (path: string) => path.slice(BASE.length);

  it('has every route', () => {
    const missing = Object.values(routes)
      .map(({ method, path }) => `\`${method} ${short(path)}\``)
      .filter((route) => !api.includes(route));
    expect(missing).toEqual([]);
  });

  it('has every channel', () => {
    const rows = rowsOf('docs/api.md');
    expect(channels.map(({ path }) => short(path)).filter((path) => !rows.has(path))).toEqual([]);
  });

  it.each(ERROR_CODES)('has the error %s, its status and its close code', (code) => {
    const [status, close] = rowsOf('docs/api.md').get(code) ?? [];
    expect(status?.split(' ')[0]).toBe(String(statusOf(code)));
    expect(close).toBe(String(closeCodeOf(code)));
  });

  it('has every close code, and 1006, which no server sends', () => {
    const table = api.slice(api.indexOf('## Close codes'), api.indexOf('## Every error code'));
    const codes = [...table.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, cell]) => String(cell).split(', '));
    expect(codes.sort()).toEqual([...Object.keys(CLOSE_CODES), '1006'].sort());
  });
});

describe('docs/settings.md', () => {
  const rows = rowsOf('docs/settings.md');
  const defaults = Environment.parse({});

  it.each(Object.keys(Environment.shape))('has %s and its default', (name) => {
    const value = defaults[name as keyof typeof defaults];
    const [said] = rows.get(name) ?? [];
    expect(said).toBeDefined();
    if (value !== undefined && name !== 'WORKERS') expect(said).toBe(String(value));
  });

  it.each(Object.entries(RENAMED_SETTINGS))('has the old name %s', (old, setting) => {
    expect(rows.get(old)?.[0]).toBe(`\`${setting}\``);
  });

  it.each(Object.values(LIMITS))('has the names and the meaning of $setting', ({
    setting,
    names,
    meaning,
  }) => {
    const [, saidNames, saidMeaning = ''] = rows.get(setting) ?? [];
    expect(saidNames).toBe(names.map((name) => `\`${name}\``).join(', ') || '–');
    expect(saidMeaning.slice(0, meaning.length)).toBe(meaning);
  });
});

describe('docs/operating.md', () => {
  const source = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => textOf(`src/${file}`))
    .join('\n');
  const [, logs = ''] = /^## Logs$(.*?)^## /ms.exec(textOf('docs/operating.md')) ?? [];
  const lines = [...logs.matchAll(/^\| (`.+`) \|/gm)].flatMap(
    ([, cell = '']) => cell.match(/[^`]{3,}/g) ?? [],
  );

  it('names log lines', () => expect(lines.length).toBeGreaterThan(8));

  it.each(lines)('has the log line "%s" as the code writes it', (line) => {
    expect(line.split('…').filter((part) => !source.includes(part.trim()))).toEqual([]);
  });
});

it('docs/operating.md has everything that may be wrong with a token, in order', () => {
  const [, section = ''] = /^## Why a token is refused$(.*?)^## /ms.exec(textOf('docs/operating.md')) ?? [];
  const rows = [...section.matchAll(/^\| `(\w+)` \| /gm)].map(([, reason]) => reason);
  expect(rows).toEqual([...REFUSAL_REASONS]);
});

describe('docs/proof.md', () => {
  it('has every count of the checker, and what it means', () => {
    for (const [name, means] of Object.entries(VIOLATIONS))
      expect(textOf('docs/proof.md')).toContain(`| ${name} | ${means} |`);
  });
});
