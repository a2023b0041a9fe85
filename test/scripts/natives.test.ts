import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  chooseEngine,
  chooseSqlite,
  installedNatives,
  isEngineOurs,
  type Machine,
  placeNatives,
  thisMachine,
} from '../../scripts/natives.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const LINES = {
  20: { node: 'v20.20.2', abi: '115', napi: '9' },
  22: { node: 'v22.23.3', abi: '127', napi: '10' },
  23: { node: 'v23.11.1', abi: '131', napi: '10' },
  24: { node: 'v24.21.0', abi: '137', napi: '10' },
  25: { node: 'v25.3.0', abi: '141', napi: '10' },
  26: { node: 'v26.1.0', abi: '147', napi: '10' },
};
type Line = keyof typeof LINES;

const DEBIAN_12 = { platform: 'linux', arch: 'x64', glibc: '2.36' };
const DEBIAN_13 = { ...DEBIAN_12, glibc: '2.41' };
const UBUNTU_24 = { ...DEBIAN_12, glibc: '2.39' };
const UBUNTU_20 = { ...DEBIAN_12, glibc: '2.31' };
const ALPINE = { ...DEBIAN_12, glibc: undefined };
const MACOS = { platform: 'darwin', arch: 'arm64', glibc: undefined };
const WINDOWS = { platform: 'win32', arch: 'x64', glibc: undefined };
const arm = (system: typeof DEBIAN_12) => ({ ...system, arch: 'arm64' });

type System = Omit<Machine, 'node' | 'abi' | 'napi'>;
const machine = (line: Line, system: System): Machine => ({ ...LINES[line], ...system });

it('all versions are pinned by a hash', () => {
  expect(isEngineOurs(ROOT)).toBe(true);
  for (const [folder, name] of [
    ['.', 'uWebSockets.js'],
    ['.', 'better-sqlite3'],
    ['scripts/older/engine', 'uWebSockets.js'],
    ['scripts/older/sqlite', 'better-sqlite3'],
  ] as const) {
    const { packages } = JSON.parse(readFileSync(join(ROOT, folder, 'package-lock.json'), 'utf8'));
    expect(packages[`node_modules/${name}`].integrity).toMatch(/^sha512-/);
  }
});

describe('the engine', () => {
  it.each<[what: string, line: Line, system: System, 'newer' | 'older']>([
    ['Debian 12', 20, DEBIAN_12, 'older'],
    ['Debian 12', 22, DEBIAN_12, 'older'],
    ['Ubuntu 20.04', 20, UBUNTU_20, 'older'],
    ['Debian 12 on arm64', 22, arm(DEBIAN_12), 'older'],
    ['a Raspberry Pi of 32 bits', 22, { ...DEBIAN_13, arch: 'arm' }, 'older'],
    ['the oldest glibc that bears the newer one', 24, { ...DEBIAN_12, glibc: '2.38' }, 'newer'],
    ['a glibc of another hundred', 24, { ...DEBIAN_12, glibc: '2.100' }, 'newer'],
    ['a glibc 3', 24, { ...DEBIAN_12, glibc: '3.0' }, 'newer'],
    ['Debian 13', 20, DEBIAN_13, 'newer'],
    ['Debian 13', 22, DEBIAN_13, 'newer'],
    ['Debian 13', 24, DEBIAN_13, 'newer'],
    ['Debian 13', 25, DEBIAN_13, 'newer'],
    ['Debian 13 on arm64', 24, arm(DEBIAN_13), 'newer'],
    ['Ubuntu 24.04', 24, UBUNTU_24, 'newer'],
    ['macOS', 24, MACOS, 'newer'],
  ])('of %s with Node %i', (_what, line, system, version) => {
    expect(chooseEngine(machine(line, system))).toBe(version);
  });

  it.each<[what: string, line: Line, system: System, says: string]>([
    [
      'Debian 12',
      24,
      DEBIAN_12,
      'with Node 24 the engine needs glibc 2.38 or newer, which Debian 13 and Ubuntu 24.04 have, and this system has 2.36, where it runs with Node 20 and 22',
    ],
    [
      'Debian 13',
      23,
      DEBIAN_13,
      'the engine has binaries for Node 20, 22, 24, 25 on linux x64, and this is v23.11.1',
    ],
    [
      'Debian 13',
      26,
      DEBIAN_13,
      'the engine has binaries for Node 20, 22, 24, 25 on linux x64, and this is v26.1.0',
    ],
    [
      'a Raspberry Pi of 32 bits',
      24,
      { ...DEBIAN_13, arch: 'arm' },
      'the engine has binaries for Node 20, 22 on linux arm, and this is v24.21.0',
    ],
    [
      'Alpine',
      24,
      ALPINE,
      'the engine needs glibc, and this system, as Alpine does, has another C library (musl)',
    ],
    ['RISC-V', 24, { ...DEBIAN_13, arch: 'riscv64' }, 'the engine has no binary for linux riscv64'],
    ['FreeBSD', 24, { ...MACOS, platform: 'freebsd' }, 'the engine has no binary for freebsd arm64'],
    [
      'Windows',
      24,
      WINDOWS,
      'parley does not run on Windows itself, but in its WSL 2 with Debian 13 or Ubuntu 24.04',
    ],
  ])('of %s with Node %i is none, which one sentence says', (_what, line, system, says) => {
    expect(() => chooseEngine(machine(line, system))).toThrow(new Error(says));
  });
});

describe('SQLite', () => {
  it.each<[what: string, machine: Machine, 'newer' | 'older']>([
    ['Node 20', machine(20, DEBIAN_13), 'older'],
    ['Node 22', machine(22, DEBIAN_12), 'newer'],
    ['Node 22.13', { ...machine(22, DEBIAN_12), node: 'v22.13.1', napi: '9' }, 'older'],
    ['Node 24', machine(24, DEBIAN_13), 'newer'],
    ['Node 22 with a glibc of 2.31', machine(22, UBUNTU_20), 'older'],
    ['Node 22 on arm64', machine(22, arm(DEBIAN_12)), 'newer'],
    ['Node 22 on arm', machine(22, { ...DEBIAN_12, arch: 'arm' }), 'older'],
    ['Node 24 on macOS', machine(24, MACOS), 'newer'],
  ])('of %s', (_what, one, version) => {
    expect(chooseSqlite(one)).toBe(version);
  });
});

describe('the place', () => {
  const { platform, arch, abi } = thisMachine();
  const binary = `uws_${platform}_${arch}_${abi}.node`;

  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'parley-natives-'));
    await put('node_modules/uWebSockets.js', '@example/newer', binary, 'uws_linux_x64_1.node');
    await put('node_modules/better-sqlite3', 'better-sqlite3', 'newer.js');
  });
  afterEach(() => rm(root, { recursive: true }));

  /** A package of this name, with these files. */
  async function put(folder: string, name: string, ...names: string[]): Promise<void> {
    const manifest = JSON.stringify({ name, version: '1.0.0' });
    for (const file of ['package.json', ...names]) {
      await mkdir(join(root, folder, dirname(file)), { recursive: true });
      await writeFile(join(root, folder, file), file === 'package.json' ? manifest : '');
    }
  }

  const below = async (folder: string) =>
    (await readdir(join(root, folder), { recursive: true })).filter((file) => /\.\w+$/.test(file)).sort();

  it('of the newer ones is as it was, with one binary of the engine', async () => {
    await placeNatives(root, { engine: 'newer', sqlite: 'newer' }, async () => expect.unreachable());
    expect(await below('node_modules/uWebSockets.js')).toEqual(['package.json', binary]);
    expect(await below('node_modules/better-sqlite3')).toEqual(['newer.js', 'package.json']);
  });

  it('of an engine that somebody has put in is as it was', async () => {
    await placeNatives(root, { engine: 'own', sqlite: 'newer' }, async () => expect.unreachable());
    expect(await below('node_modules/uWebSockets.js')).toEqual(
      ['package.json', 'uws_linux_x64_1.node', binary].sort(),
    );
  });

  it('of the older ones is that of the newer, with what they need in turn, and nothing else is left', async () => {
    const older = 'scripts/older';
    await put(
      `${older}/engine/node_modules/uWebSockets.js`,
      'uws-pack',
      `bin/${binary}`,
      'bin/uws_other.node',
    );
    await put(`${older}/sqlite/node_modules/better-sqlite3`, 'better-sqlite3', 'older.js');
    await put(`${older}/sqlite/node_modules/bindings`, 'bindings');
    const installed: string[] = [];
    await placeNatives(root, { engine: 'older', sqlite: 'older' }, async (folder) => {
      installed.push(folder);
    });
    expect(installed).toEqual(['sqlite', 'engine'].map((what) => join(root, older, what)));
    expect(await below('node_modules/uWebSockets.js')).toEqual([`bin/${binary}`, 'package.json']);
    expect(await below('node_modules/better-sqlite3')).toEqual([
      'node_modules/bindings/package.json',
      'older.js',
      'package.json',
    ]);
    expect(installedNatives(root)).toEqual(['uws-pack@1.0.0', 'better-sqlite3@1.0.0']);
    expect(await below(older)).toEqual([]);
  });
});
