// Installs the programs that the tests need from outside npm, with the system's package manager, when that is possible
// without a password. Otherwise it prints the exact command. It does nothing when everything is there.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';

/** Programs, and the Debian packages that have them. */
const TOOLS = { 'redis-server': 'redis-server', strace: 'strace', nginx: 'nginx', haproxy: 'haproxy' };

const missing = Object.keys(TOOLS).filter((program) => !isThere(program));
if (missing.length > 0) install(missing);

function install(programs) {
  const names = listed(programs);
  if (!isThere('apt-get')) {
    fail(`the tests need ${names}; install them with this system's package manager, then try again`);
  }
  const packages = programs.map((program) => TOOLS[program]);
  const steps = [
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', '--no-install-recommends', ...packages],
  ];
  const byHand = steps.map((step) => `sudo ${step.join(' ')}`).join(' && ');
  const become = mayBecomeRoot();
  if (become === undefined) fail(`the tests need ${names}, and only root may install them: ${byHand}`);

  say(`installing ${names}, which the tests need …`);
  for (const step of steps) {
    const [command, ...args] = [...become, ...step];
    // A failed update is passed over, because the known packages may be enough. The output of apt goes to stderr.
    spawnSync(command, args, {
      stdio: ['ignore', 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
  const still = programs.filter((program) => !isThere(program));
  if (still.length > 0) fail(`${listed(still)} could not be installed; try: ${byHand}`);
}

/** Returns the words that run a command as root; undefined when that would need a password. */
function mayBecomeRoot() {
  if (process.getuid?.() === 0) return [];
  const asked = isThere('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0;
  return asked ? ['sudo', '-n'] : undefined;
}

/** `a`, `a and b`, or `a, b and c`. */
function listed(names) {
  return [names.slice(0, -1).join(', '), ...names.slice(-1)].filter((part) => part !== '').join(' and ');
}

function isThere(program) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  // Servers are in the sbin beside a bin, which PATH often lacks.
  const besides = folders.filter((one) => basename(one) === 'bin').map((one) => join(dirname(one), 'sbin'));
  return [...folders, ...besides].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function say(text) {
  console.error(`test tools: ${text}`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
