import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const LOG = new URL('../dist/log.js', import.meta.url).href;

/** What a logger writes, as the bytes come. */
function logged(code: string): string {
  const program = `const { createLogger } = await import('${LOG}'); const log = createLogger('info', 'test', { sync: true }); ${code}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
  expect(String(stderr)).toBe('');
  return String(stdout);
}

/** All that ends a line, moves a cursor, turns text or is not seen, and what closes a JSON string. */
const HOSTILE = [
  ...Array(0xa1).keys(),
  0xad,
  0x61c,
  0x180e,
  0x200b,
  0x200e,
  0x200f,
  0x2028,
  0x2029,
  0x202a,
  0x202e,
  0x2066,
  0x2069,
  0xfeff,
  0xe0041,
  0xd83d,
]
  .map((code) => String.fromCodePoint(code))
  .join('');
const FORGED = `"}\r\n{"level":"fatal","msg":"forged"}\r\n\u001b[2J${HOSTILE}`;

it('a line is one JSON object whatever it tells of, in characters that do nothing', () => {
  const value = JSON.stringify(FORGED);
  const text = logged(`
    log.info({ path: ${value}, nested: { name: ${value} } }, ${value});
    log.error({ err: new Error(${value}) }, 'failed');
    log.info({ [${value}]: 1 }, 'key');
  `);
  expect(text).not.toMatch(/[^\n\P{Cc}]|[\p{Cf}\p{Zl}\p{Zp}]/u);
  const lines = text.split('\n');
  expect(lines.pop()).toBe('');
  const [told, failed, key, ...others] = lines.map((line) => JSON.parse(line));
  expect(others).toEqual([]);
  expect(told).toEqual({
    level: 'info',
    time: expect.any(String),
    process: 'test',
    path: FORGED,
    nested: { name: FORGED },
    msg: FORGED,
  });
  expect(Object.keys(failed)).toEqual(['level', 'time', 'process', 'err', 'msg']);
  expect(failed.err.message).toBe(FORGED);
  expect(key).toMatchObject({ [FORGED]: 1, msg: 'key' });
});

it('tokens, secrets and texts are not told, even when somebody tries', () => {
  const text = logged(
    `log.info({ token: 'x1', secret: 'x2', text: 'x3', headers: { authorization: 'x4' } }, 'm');`,
  );
  expect(text).not.toMatch(/x\d/);
  expect(JSON.parse(text)).toMatchObject({
    token: '…',
    secret: '…',
    text: '…',
    headers: { authorization: '…' },
  });
});
