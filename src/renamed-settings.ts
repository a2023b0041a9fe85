import type { Logger } from './log.js';

/** Settings that had another name: by the old name, the one that took its place. docs/settings.md has the rule for names. */
export const RENAMED_SETTINGS = {
  PHOTO_MAX_BYTES: 'PHOTO_BYTES_MAX',
  FREE_SPACE_MIN_BYTES: 'FREE_SPACE_BYTES_MIN',
} as const;

/** An old name under which a setting was given. */
export interface OldName {
  readonly old: string;
  readonly setting: string;
}

/**
 * Returns the environment with what stands under old names under the settings' own, and the old names that were found.
 * Adds a problem for each setting that has one value under its name and another under its old one.
 */
export function renamed(
  env: NodeJS.ProcessEnv,
  problems: string[],
): { env: NodeJS.ProcessEnv; oldNames: readonly OldName[] } {
  const current = { ...env };
  const oldNames: OldName[] = [];
  for (const [old, setting] of Object.entries(RENAMED_SETTINGS)) {
    const value = env[old];
    if (value === undefined) continue;
    oldNames.push({ old, setting });
    current[setting] ??= value;
    if (current[setting] !== value) {
      problems.push(`${old} is the old name of ${setting}, which has another value; leave ${old} out`);
    }
  }
  return { env: current, oldNames };
}

/** The name under which the operator gave this setting. */
export function givenName(setting: string, oldNames: readonly OldName[], env: NodeJS.ProcessEnv): string {
  if (env[setting] !== undefined) return setting;
  return oldNames.find((name) => name.setting === setting)?.old ?? setting;
}

/** Warns of each old name. The first process of the server does it: the primary, or the ledger where there is none. */
export function warnOfOldNames(log: Logger, oldNames: readonly OldName[]): void {
  for (const { old, setting } of oldNames) {
    log.warn({ old, setting }, 'a setting is given under its old name, which a later version will not read');
  }
}
