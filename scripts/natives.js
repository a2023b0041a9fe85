// Which versions of the two native packages, the engine and SQLite, are for a machine, and how they come to be the
// only ones installed. Each has a newer version, which package.json names, and an older one, which has a folder with a
// lock file in scripts/older.
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} Machine
 * @property {string} platform As process.platform has it.
 * @property {string} arch As process.arch has it.
 * @property {string} node Node's version, as in v24.1.0.
 * @property {string} abi The version of Node's interface for native modules (process.versions.modules).
 * @property {string} napi The newest Node-API that it has (process.versions.napi).
 * @property {string | undefined} glibc Its version; undefined where there is none.
 *
 * @typedef {'newer' | 'older'} Version
 * @typedef {object} Natives
 * @property {Version | 'own'} engine `own`: whatever package.json has.
 * @property {Version} sqlite
 */

const ENGINE = 'uWebSockets.js';
const SQLITE = 'better-sqlite3';
/** What package.json has begins so, unless somebody has put in another engine. */
const NEWER_ENGINE = 'npm:@btc-vision/uwebsockets.js@';

/** What the engine's packages have binaries for, the better one first. */
const ENGINES = /** @type {const} */ ([
  {
    version: 'newer',
    targets: ['linux x64', 'linux arm64', 'darwin x64', 'darwin arm64'],
    abis: ['115', '127', '137', '141'],
    glibcMin: '2.38',
  },
  {
    version: 'older',
    targets: ['linux x64', 'linux arm64', 'linux arm'],
    abis: ['115', '127'],
    glibcMin: '2.28', // Node's own.
  },
]);
/** The lines of Node, by the version of their interface. */
const LINES = new Map([
  ['115', 20],
  ['127', 22],
  ['137', 24],
  ['141', 25],
]);

/** The newer SQLite brings its binaries, which need these. The older one is compiled where it has none. */
const SQLITE_TARGETS = ['linux x64', 'linux arm64', 'darwin x64', 'darwin arm64'];
const SQLITE_NAPI_MIN = '10';
const SQLITE_GLIBC_MIN = '2.34';

/** @returns {Machine} */
export function thisMachine() {
  const { report } = /** @type {{ report: NodeJS.ProcessReport & { excludeNetwork?: boolean } }} */ (process);
  report.excludeNetwork = true; // The names of peers would be looked up.
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (report.getReport());
  return {
    platform: process.platform,
    arch: process.arch,
    node: process.version,
    abi: process.versions.modules,
    napi: process.versions['napi'] ?? '0',
    glibc: header.glibcVersionRuntime,
  };
}

/**
 * Chooses the version of the engine. Throws an Error whose message is one sentence where there is none.
 * @param {Machine} machine
 * @returns {Version}
 */
export function chooseEngine(machine) {
  const { platform, arch, node, abi, glibc } = machine;
  if (platform === 'win32')
    throw new Error('parley does not run on Windows itself, but in its WSL 2 with Debian 13 or Ubuntu 24.04');
  if (platform === 'linux' && glibc === undefined)
    throw new Error('the engine needs glibc, and this system, as Alpine does, has another C library (musl)');
  const target = `${platform} ${arch}`;
  const forTarget = ENGINES.filter(({ targets }) => targets.some((one) => one === target));
  if (forTarget.length === 0) throw new Error(`the engine has no binary for ${target}`);
  const has = (/** @type {string} */ abi) => forTarget.filter(({ abis }) => abis.some((one) => one === abi));
  if (has(abi).length === 0) {
    const lines = [...LINES].filter(([one]) => has(one).length > 0).map(([, line]) => line);
    throw new Error(`the engine has binaries for Node ${lines.join(', ')} on ${target}, and this is ${node}`);
  }
  const chosen = has(abi).find(({ glibcMin }) => hasGlibc(machine, glibcMin));
  if (chosen === undefined) {
    throw new Error(
      `with Node ${LINES.get(abi)} the engine needs glibc ${has(abi)[0]?.glibcMin} or newer, which Debian 13 and ` +
        `Ubuntu 24.04 have, and this system has ${glibc}, where it runs with Node 20 and 22`,
    );
  }
  return chosen.version;
}

/**
 * Chooses the version of SQLite's package.
 * @param {Machine} machine
 * @returns {Version}
 */
export function chooseSqlite(machine) {
  const { platform, arch, napi } = machine;
  const isForThis = SQLITE_TARGETS.includes(`${platform} ${arch}`) && isAtLeast(napi, SQLITE_NAPI_MIN);
  return isForThis && hasGlibc(machine, SQLITE_GLIBC_MIN) ? 'newer' : 'older';
}

/**
 * Whether the engine of package.json is the one that may be chosen here, and none that somebody has put in.
 * @param {string} root
 */
export function isEngineOurs(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return manifest.dependencies[ENGINE].startsWith(NEWER_ENGINE);
}

/**
 * Makes the chosen versions the only ones in node_modules, after `npm ci` has put the newer ones there.
 * @param {string} root
 * @param {Natives} natives
 * @param {(folder: string) => Promise<void>} install Runs `npm ci` in a folder.
 */
export async function placeNatives(root, { engine, sqlite }, install) {
  if (sqlite === 'older') await placeOlder(root, 'sqlite', SQLITE, install);
  if (engine === 'own') return;
  if (engine === 'older') await placeOlder(root, 'engine', ENGINE, install);
  // All binaries of the engine together take over 100 MB.
  const folder = join(root, 'node_modules', ENGINE);
  const binary = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.node') && !file.endsWith(binary)) rmSync(join(folder, file));
  }
}

/**
 * @param {string} root
 * @param {'engine' | 'sqlite'} what
 * @param {string} name
 * @param {(folder: string) => Promise<void>} install
 */
async function placeOlder(root, what, name, install) {
  const lock = join(root, 'scripts', 'older', what);
  await install(lock);
  const modules = join(lock, 'node_modules');
  const folder = join(root, 'node_modules', name);
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(modules, name), folder, { recursive: true });
  rmSync(join(modules, name), { recursive: true });
  // What it needs in turn is for it alone.
  cpSync(modules, join(folder, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  rmSync(modules, { recursive: true });
}

/**
 * The natives that are installed, such as `uws-pack@20.0.8`; undefined where one is missing.
 * @param {string} root
 */
export function installedNatives(root) {
  try {
    return [ENGINE, SQLITE].map((folder) => {
      const file = join(root, 'node_modules', folder, 'package.json');
      const { name, version } = JSON.parse(readFileSync(file, 'utf8'));
      return `${name}@${version}`;
    });
  } catch {
    return undefined;
  }
}

/**
 * @param {Machine} machine
 * @param {string} min
 */
function hasGlibc({ platform, glibc }, min) {
  return platform !== 'linux' || isAtLeast(glibc ?? '0', min);
}

/**
 * Compares versions such as 2.36.
 * @param {string} version
 * @param {string} least
 */
function isAtLeast(version, least) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
