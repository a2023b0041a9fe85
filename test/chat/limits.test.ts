import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { LIMIT_NAMES, LIMITS, LIMITS_OFF, limitsOf, perSetting, UNLIMITED } from '../../src/chat/limits.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** README.md and docs/. */
function documentation(): string {
  const docs = existsSync(`${ROOT}/docs`) ? readdirSync(`${ROOT}/docs`).map((name) => `docs/${name}`) : [];
  const files = ['README.md', ...docs.filter((path) => path.endsWith('.md'))];
  return files.map((path) => readFileSync(`${ROOT}/${path}`, 'utf8')).join('\n');
}

describe('the table of limits', () => {
  it.each(Object.entries(LIMITS))('%s is in the documentation with its default', (_name, limit) => {
    expect(documentation()).toContain(`| \`${limit.setting}\` | ${limit.default} |`);
  });

  it.each(Object.entries(LIMITS))('%s is set by a variable of the same name', (name, { setting }) => {
    expect(name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).toBe(setting);
  });

  it('gives each refusal a name of its own', () => {
    expect(new Set(LIMIT_NAMES).size).toBe(LIMIT_NAMES.length);
    expect([...LIMIT_NAMES].sort()).toEqual([
      'failed_logins',
      'frames',
      'group_members',
      'messages',
      'requests',
      'sockets',
      'sockets_per_address',
      'sockets_per_user',
      'typing',
      'upgrades',
      'uploads',
    ]);
  });

  it('makes limits of settings', () => {
    const settings = perSetting(({ setting }) => setting.length);
    expect(limitsOf(settings)).toMatchObject({ socketsMax: 11, groupMembersMax: 17 });
    expect(Object.values(UNLIMITED).every((limit) => limit === 0)).toBe(true);
    expect(LIMITS_OFF).toMatchObject({ SOCKETS_MAX: '0', GROUP_MEMBERS_MAX: '0' });
    expect(Object.keys(LIMITS_OFF)).toHaveLength(Object.keys(LIMITS).length);
  });
});
