import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe } from 'vitest';
import { type OpenStore, TestStore } from '../support/store.js';
import { batches } from './contract/batches.js';
import { changes } from './contract/changes.js';
import { chatCommands } from './contract/chats.js';
import { deletions } from './contract/deletions.js';
import { edits } from './contract/edits.js';
import { groupCommands } from './contract/groups.js';
import { history } from './contract/history.js';
import { log } from './contract/log.js';
import { places } from './contract/places.js';
import { positions } from './contract/positions.js';
import { purge } from './contract/purge.js';
import { reactions } from './contract/reactions.js';
import { repeatedChanges } from './contract/repeated-changes.js';
import { repeats } from './contract/repeats.js';
import { replies } from './contract/replies.js';
import { rooms } from './contract/rooms.js';
import { unread } from './contract/unread.js';
import { userCommands } from './contract/users.js';

/** The store of the running test: fresh for each. */
export type CurrentStore = () => TestStore;

/**
 * What every store must do, whatever it is made of. `open` opens the store that is named by a folder which
 * exists, empty at first.
 */
export function storeContract(name: string, open: OpenStore): void {
  let folder: string;
  let store: TestStore;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'parley-store-'));
    store = await TestStore.open(open, folder);
  });
  afterEach(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const parts = [userCommands, chatCommands, groupCommands, batches, repeats, purge];
  const changing = [edits, deletions, reactions, replies, repeatedChanges];
  for (const part of [...parts, ...changing, rooms, unread, history, places, changes, log, positions]) {
    describe(name, () => part(() => store));
  }
}
