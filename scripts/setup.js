// What `npm start` and `npm test` do first: install the locked dependencies and build, each only when needed.
// `--build` builds even when nothing changed; `--bench` builds the benchmarks too.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  chooseEngine,
  chooseSqlite,
  installedNatives,
  isEngineOurs,
  placeNatives,
  thisMachine,
} from './natives.js';
import { runInGroup } from './process-group.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const installStamp = join(root, 'node_modules', '.parley-installed');

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 12)) {
  fail(`parley needs Node 20.12 or newer; this is ${process.version}`);
}
process.chdir(root);
const natives = chooseNatives(thisMachine());

await takeTurn();

// Native modules are built for one ABI: another Node version needs them anew.
const folders = ['.', 'scripts/older/engine', 'scripts/older/sqlite'];
const locks = folders.map((folder) => readFileSync(join(folder, 'package-lock.json')));
const locked = `${process.versions.modules} ${hash(locks)}`;
if (read(installStamp) !== stamp()) {
  say('installing the locked dependencies (one of them may be compiled, which takes a minute or two) …');
  // Nothing of it is compiled; but npm compiles what has a binding.gyp, unless it is told not to.
  await install(root, '--ignore-scripts');
  await placeNatives(root, natives, install);
  writeFileSync(installStamp, stamp());
}

await build('dist', 'tsconfig.build.json', ['src'], process.argv.includes('--build'));
if (process.argv.includes('--bench'))
  await build('dist-bench', 'tsconfig.bench.json', ['src', 'bench'], false);

function chooseNatives(machine) {
  try {
    return { engine: isEngineOurs(root) ? chooseEngine(machine) : 'own', sqlite: chooseSqlite(machine) };
  } catch (error) {
    fail(`${error.message} (docs/operating.md, Node versions, tells more)`);
  }
}

/** What is chosen and installed when all is well. An `npm install` by hand may have put in other versions. */
function stamp() {
  return [locked, natives.engine, natives.sqlite, installedNatives(root)].join(' ');
}

/** Installs what the folder's lock file has, with the hashes that it has. */
async function install(folder, ...options) {
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error', ...options];
  // Within an npm script, this variable has the path of npm.
  const cli = process.env.npm_execpath;
  if (cli?.endsWith('.js')) await run(folder, process.execPath, cli, ...args);
  else await run(folder, 'npm', ...args);
}

/**
 * Waits for another set-up of this folder, because two at once would remove each other's modules. A process holds the
 * abstract socket's name until it ends, however it ends. Only Linux has such names.
 */
async function takeTurn() {
  if (process.platform !== 'linux') return;
  const name = `\0parley-setup-${hash([root])}`;
  for (let waited = false; ; waited = true) {
    const server = createServer().unref();
    const isMine = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(name, () => resolve(true));
    });
    if (isMine) return;
    if (!waited) say('another set-up is at work here; waiting for it …');
    await sleep(200);
  }
}

/** Builds a folder from others, unless it was built from these very files. */
async function build(folder, config, from, always) {
  const stamp = join(folder, '.parley-built');
  const sources = [...from.flatMap(files), 'tsconfig.json', config];
  const built = hash([
    locked,
    ...sources.map((file) => `${file} ${statSync(file).mtimeMs} ${statSync(file).size}`),
  ]);
  if (!always && read(stamp) === built) return;
  say(`building ${folder} …`);
  rmSync(folder, { recursive: true, force: true });
  await run(root, process.execPath, join('node_modules', 'typescript', 'bin', 'tsc'), '-p', config);
  writeFileSync(stamp, built);
}

async function run(cwd, command, ...args) {
  // The output of the commands goes to stderr: `npm run --silent token` prints a token and nothing else.
  const { status, error } = await runInGroup(command, args, { cwd, stdio: ['ignore', 2, 2] });
  if (status !== 0) fail(`${[command, ...args].join(' ')} failed${error ? `: ${error.message}` : ''}`);
}

function files(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function hash(parts) {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest('hex');
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function say(text) {
  console.error(`setup: ${text}`);
}

function fail(text) {
  console.error(`setup: ${text}`);
  process.exit(1);
}
