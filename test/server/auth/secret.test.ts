import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ensureSecret, readSecret, secretFile } from '../../../src/server/auth/secret.js';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'parley-secret-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

describe('the generated secret', () => {
  it('is not there before it is made', () => {
    expect(readSecret(dataDir)).toBeUndefined();
  });

  it('is long enough for HS256, for the owner alone, and the only file', () => {
    ensureSecret(dataDir);
    expect(Buffer.byteLength(readSecret(dataDir) ?? '')).toBeGreaterThanOrEqual(32);
    expect(statSync(secretFile(dataDir)).mode & 0o777).toBe(0o600);
    expect(readdirSync(dataDir)).toEqual(['jwt.secret']);
  });

  it('stays the same once it is made', () => {
    ensureSecret(dataDir);
    const first = readSecret(dataDir);
    ensureSecret(dataDir);
    expect(readSecret(dataDir)).toBe(first);
  });

  it('is another in another folder', () => {
    ensureSecret(dataDir);
    const first = readSecret(dataDir);
    rmSync(secretFile(dataDir));
    ensureSecret(dataDir);
    expect(readSecret(dataDir)).not.toBe(first);
  });

  it('is made whole after a crash in the middle', () => {
    writeFileSync(`${secretFile(dataDir)}.new`, 'half', { mode: 0o600 });
    ensureSecret(dataDir);
    expect(readSecret(dataDir)).not.toContain('half');
    expect(statSync(secretFile(dataDir)).mode & 0o777).toBe(0o600);
  });

  it('is read without the line end that an editor adds', () => {
    writeFileSync(secretFile(dataDir), 'a secret of the owner’s own choice\n');
    expect(readSecret(dataDir)).toBe('a secret of the owner’s own choice');
  });
});
