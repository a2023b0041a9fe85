import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/ledger.js';
import { exitOf, launch, SECRET } from '../support/server.js';
import { until } from '../support/wait.js';

const WARNING = 'a setting is given under its old name, which a later version will not read';
const OLD_NAMES = [
  { old: 'PHOTO_MAX_BYTES', setting: 'PHOTO_BYTES_MAX' },
  { old: 'FREE_SPACE_MIN_BYTES', setting: 'FREE_SPACE_BYTES_MIN' },
];

it.each([
  { args: [], process: 'primary' },
  { args: ['ledger'], process: 'ledger' }, // As pm2 starts it.
])('the $process, which starts first, warns of each old name, and no other process does', async (first) => {
  const folder = await temporaryFolder();
  const old = { PHOTO_MAX_BYTES: '1000', FREE_SPACE_MIN_BYTES: '0', FREE_SPACE_BYTES_MIN: '0' };
  const env = { DATA_DIR: folder.path, JWT_SECRET: SECRET, WORKERS: '2', ...old };
  const { process, output } = launch(env, first.args);
  await until(() => output.text.includes(first.args.length > 0 ? '"msg":"ready"' : 'listening'));
  process.kill('SIGTERM');
  await exitOf(process);
  const lines = output.text.split('\n').filter((line) => line.includes(WARNING));
  expect(lines.map((line) => JSON.parse(line))).toMatchObject(
    OLD_NAMES.map((name) => ({ level: 'warn', process: first.process, ...name })),
  );
  await folder.remove();
});
