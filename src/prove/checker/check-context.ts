import type { AskedChanges } from './asked-changes.js';
import type { Memberships } from './memberships.js';
import type { StoredLog } from './stored-log.js';
import type { Verdict } from './verdict.js';

/** What sessions are checked against, and where they report what is wrong. */
export interface CheckContext {
  readonly log: StoredLog;
  readonly members: Memberships;
  readonly asked: AskedChanges;
  readonly verdict: Verdict;
}
