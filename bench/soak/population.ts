import { tokenOf } from '../targets/parley.js';
import { populate } from '../targets/population.js';

const USERS = 100;
const GROUPS = 20;
const GROUP_MEMBERS = 10;
const MESSAGES_PER_GROUP = 500;

/**
 * The users and chats of the soak. They are few, so that everything that the server keeps of them is soon there.
 * It is sent to the processes that play them.
 */
export interface Population {
  readonly users: readonly User[];
  readonly groups: readonly { readonly id: number; readonly members: readonly number[] }[];
}

export interface User {
  readonly id: number;
  readonly token: string;
}

export async function createPopulation(dataDir: string): Promise<Population> {
  const ids = Array.from({ length: USERS }, (_, index) => index + 1);
  const members = Array.from({ length: GROUPS }, (_, group) =>
    Array.from({ length: GROUP_MEMBERS }, (_, member) => ((group * 5 + member) % USERS) + 1),
  );
  const { groups } = await populate(dataDir, USERS, members, MESSAGES_PER_GROUP);
  const users = await Promise.all(ids.map(async (id) => ({ id, token: await tokenOf(id) })));
  return { users, groups };
}
