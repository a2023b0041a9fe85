import { randomUUID } from 'node:crypto';
import type { Command, Outcome } from '../../src/chat/commands.js';
import { openWriteStore } from '../../src/store/sqlite/write/ledger-store.js';

const BATCH_COMMANDS = 500;
const WRITTEN_AT_ONCE = 5000;

/** Groups with their members, by id. */
export interface Population {
  readonly groups: readonly { readonly id: number; readonly members: readonly number[] }[];
}

/**
 * Writes users 1 … n and groups into a data folder, through the ledger's own store, while no server runs. Each item
 * of `groups` lists a group's members, its owner first; a group's messages come from its owner.
 */
export async function populate(
  dataDir: string,
  users: number,
  groups: readonly (readonly number[])[],
  messagesPerGroup = 0,
): Promise<Population> {
  const writer = openWriter(dataDir);
  try {
    await writer.write(
      Array.from({ length: users }, (_, index): Command => {
        const id = index + 1;
        return {
          kind: 'create_user',
          caller: { id },
          username: `user${id}`,
          name: `User ${id}`,
          description: '',
        };
      }),
    );
    const made = await writer.write(
      groups.map(([actor = 0, ...others]): Command => {
        return { kind: 'create_group', actor, name: 'A group', description: '', users: others };
      }),
    );
    const ids = made.map((outcome) => ('ok' in outcome && 'id' in outcome.ok ? outcome.ok.id : 0));
    const population = { groups: ids.map((id, index) => ({ id, members: groups[index] ?? [] })) };
    await writeMessages(writer, population, messagesPerGroup);
    return population;
  } finally {
    writer.close();
  }
}

/** Adds so many messages to each group, in turn: a group's lie far apart in the log, as they do in life. */
export async function writeMessages(writer: Writer, { groups }: Population, perGroup: number): Promise<void> {
  const batch = randomUUID().slice(0, 8);
  let commands: Command[] = [];
  for (let round = 0; round < perGroup; round++) {
    for (const { id: chatId, members } of groups) {
      const clientId = `seed-${batch}-${round}`;
      commands.push({
        kind: 'post_message',
        chatId,
        authorId: members[0] ?? 0,
        text: textOf(round),
        clientId,
      });
    }
    if (commands.length < WRITTEN_AT_ONCE && round < perGroup - 1) continue;
    await writer.write(commands);
    commands = [];
  }
}

/** A text of 100 characters. */
export function textOf(number: number): string {
  return `${String(number).padStart(8, '0')} ${'The quick brown fox jumps over the lazy dog; '.repeat(3)}`.slice(
    0,
    100,
  );
}

export interface Writer {
  /** Applies commands in batches of 500, as one worker's. Rejects when one is refused. */
  write(commands: readonly Command[]): Promise<Outcome[]>;
  close(): void;
}

export function openWriter(dataDir: string): Writer {
  const store = openWriteStore(dataDir, Date.now(), (error) => {
    throw error;
  });
  const worker = randomUUID(); // The store applies each numbered batch of a worker once.
  let number = 0;
  return {
    async write(commands) {
      const outcomes: Outcome[] = [];
      for (let from = 0; from < commands.length; from += BATCH_COMMANDS) {
        number += 1;
        const batch = {
          worker,
          number,
          confirmed: number - 1,
          crashes: 0,
          commands: commands.slice(from, from + BATCH_COMMANDS),
        };
        const applied = await store.apply([batch], Date.now());
        outcomes.push(...(applied.outcomes[0] ?? []));
      }
      const refused = outcomes.find((outcome) => 'error' in outcome);
      if (refused !== undefined) throw new Error(`refused: ${JSON.stringify(refused)}`);
      return outcomes;
    },
    close: () => store.close(),
  };
}
