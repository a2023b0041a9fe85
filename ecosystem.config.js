// parley under pm2: the ledger, which alone writes, and the workers, which serve. Both read the same settings
// (docs/settings.md): from the environment of `pm2 start`, or from here.
import { fileURLToPath } from 'node:url';

const both = {
  script: 'dist/main.js',
  cwd: fileURLToPath(new URL('.', import.meta.url)),
  env: {},
  wait_ready: true, // A process counts as started when it serves.
  listen_timeout: 30_000, // A ledger may have to wait for its predecessor, and a worker for the ledger.
  kill_timeout: 11_000, // A drain takes up to 10 seconds.
};

export const apps = [
  { ...both, name: 'ledger', args: 'ledger', exec_mode: 'fork', instances: 1 },
  { ...both, name: 'worker', args: 'worker', exec_mode: 'cluster', instances: 'max' },
];
