import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '../support/wait.js';

const SCRIPTS = fileURLToPath(new URL('../../scripts', import.meta.url));
/** Stands for npm, and installs what does nothing; it takes a while, and says when it is at work. */
const NPM = `
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
appendFileSync('installs', 'begin ');
await new Promise((resolve) => setTimeout(resolve, 700));
for (const folder of ['typescript/bin', 'better-sqlite3'])
  mkdirSync('node_modules/' + folder, { recursive: true });
writeFileSync('node_modules/typescript/bin/tsc', "require('node:fs').mkdirSync('dist', { recursive: true })");
appendFileSync('installs', 'end ');
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-setup-'));
  await mkdir(join(folder, 'src'));
  await cp(SCRIPTS, join(folder, 'scripts'), { recursive: true });
  await writeFile(join(folder, 'npm-cli.js'), NPM);
  await writeFile(
    join(folder, 'package.json'),
    // With another engine than the pinned one, the set-up looks at nothing but SQLite.
    '{"type":"module","dependencies":{"uWebSockets.js":"github:uNetworking/uWebSockets.js#v20.57.0"}}',
  );
  for (const file of ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'])
    await writeFile(join(folder, file), '{}');
});
afterEach(() => rm(folder, { recursive: true }));

function start() {
  return spawn(process.execPath, [join(folder, 'scripts', 'setup.js')], {
    env: { ...process.env, npm_execpath: join(folder, 'npm-cli.js') },
  });
}

async function setUp(): Promise<{ code: number | null; said: string }> {
  const child = start();
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const [code] = await once(child, 'close');
  return { code, said };
}

it('two set-ups at once take turns, and the second finds everything done', async () => {
  const both = await Promise.all([setUp(), setUp()]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(both.filter(({ said }) => said.includes('another set-up is at work'))).toHaveLength(1);
  expect(await readFile(join(folder, 'installs'), 'utf8')).toBe('begin end ');
});

it('a set-up that was killed is in nobody’s way', async () => {
  const first = start();
  await until(() => readFile(join(folder, 'installs'), 'utf8').catch(() => undefined));
  first.kill('SIGKILL');
  await once(first, 'exit');
  const { code, said } = await setUp();
  expect(code).toBe(0);
  expect(said).not.toContain('another set-up');
});
