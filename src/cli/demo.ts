import type { Config } from '../config.js';
export async function runDemo(_args: readonly string[], _config: Config): Promise<void> {}
