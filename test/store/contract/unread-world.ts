import type { Command } from '../../../src/chat/commands.js';
import type { Mention } from '../../../src/chat/messages.js';
import type { TestStore } from '../../support/store.js';
import { ModelChat, type ModelMessage } from './unread-model.js';

const USERS = 4;
const MINUTE_MS = 60_000;
/** More than may be counted anew for nothing. */
const BURST = 30;

let usersMade = 0;

type Numbers = readonly [what: number, who: number, where: number, which: number];

/** Some users and their chats, in which anything may happen, and what must be unread after it. */
export class UnreadWorld {
  readonly users: readonly number[];
  readonly #store: TestStore;
  #chats: ModelChat[] = [];

  private constructor(store: TestStore, users: readonly number[]) {
    this.#store = store;
    this.users = users;
  }

  static async open(store: TestStore): Promise<UnreadWorld> {
    const users = Array.from({ length: USERS }, () => ++usersMade);
    await store.run(
      ...users.map(
        (id): Command => ({
          ...{ kind: 'create_user', caller: { id }, username: `user-${id}`, name: `User ${id}` },
          description: '',
        }),
      ),
    );
    const world = new UnreadWorld(store, users);
    const [a = 0, b = 0] = users;
    const { id } = await store.ok('open_chat', { actor: a, other: b });
    world.#chats.push(new ModelChat(id, a, [a, b], false));
    await world.#createGroup();
    return world;
  }

  /** What must be unread in each chat of a user. */
  unreadOf(user: number) {
    return this.#chats
      .filter(({ members }) => members.has(user))
      .map((chat) => [chat.id, chat.unreadOf(user)]);
  }

  /** Does what the numbers say, if it is allowed. */
  async step([what, who, where, which]: Numbers): Promise<void> {
    const user = pick(this.users, who);
    const chat = pick(this.#chats, where);
    const message = chat.messages.length === 0 ? undefined : pick(chat.messages, which);
    const isMember = chat.members.has(user);
    switch (what % 16) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return this.#post(chat, user, which, 1);
      case 5:
        return this.#post(chat, user, which, BURST);
      case 6:
      case 7:
        return message && isMember ? this.#delete(chat, user, message) : undefined;
      case 8:
        if (message?.authorId === user && isMember && !message.isDeleted)
          await this.#store.ok('edit_message', {
            actor: user,
            messageId: message.id,
            text: `edited ${which}`,
          });
        return;
      case 9:
      case 10:
        return this.#read(chat, user, message?.id ?? 1);
      case 11:
        return this.#read(chat, user, 1 + (which % ((await this.#store.newest()) + 2)));
      case 12:
      case 13:
        return this.#addOrRemove(chat, user);
      case 14:
        this.#store.now += MINUTE_MS;
        while (await this.#store.write.purge(this.#store.now));
        return which % 4 === 0 ? this.#store.reopen() : undefined;
      default:
        return which % 4 === 0 ? this.#deleteGroup(chat) : this.#createGroup();
    }
  }

  async #post(chat: ModelChat, authorId: number, which: number, count: number): Promise<void> {
    if (!chat.members.has(authorId)) return;
    const mentions: Mention[] = [...chat.members.keys()].filter((_, index) => (which >> index) % 2 === 1);
    if (chat.isGroup && chat.ownerId === authorId && which % 5 === 0) mentions.push('all');
    const post = { chatId: chat.id, authorId, text: 'x', ...(mentions.length > 0 && { mentions }) };
    const outcomes = await this.#store.run(
      ...Array.from({ length: count }, (): Command => ({ kind: 'post_message', ...post })),
    );
    for (const outcome of outcomes) {
      if ('error' in outcome) throw new Error(outcome.error);
      const { id } = outcome.ok as { id: number };
      chat.messages.push({ id, authorId, mentions, isDeleted: false });
    }
  }

  async #delete(chat: ModelChat, actor: number, message: ModelMessage): Promise<void> {
    if (message.authorId !== actor && !(chat.isGroup && chat.ownerId === actor)) return;
    await this.#store.ok('delete_message', { actor, messageId: message.id });
    message.isDeleted = true;
  }

  async #read(chat: ModelChat, actor: number, id: number): Promise<void> {
    const readId = chat.members.get(actor);
    const isAllowed = readId !== undefined && id <= (await this.#store.newest());
    const read = { actor, chatId: chat.id, id };
    if (!isAllowed) return void (await this.#store.refused('mark_read', read));
    const after = Math.max(readId, id);
    const outcome = await this.#store.ok('mark_read', read);
    if (outcome.readId !== after) throw new Error(`read up to ${outcome.readId}, not ${after}`);
    chat.members.set(actor, after);
  }

  async #addOrRemove(chat: ModelChat, user: number): Promise<void> {
    if (!chat.isGroup || user === chat.ownerId) return;
    const change = { actor: chat.ownerId, groupId: chat.id, users: [user] };
    if (chat.members.delete(user)) return void (await this.#store.ok('remove_members', change));
    await this.#store.ok('add_members', change);
    // What was there when they came counts as read.
    chat.members.set(user, await this.#store.newest());
  }

  async #createGroup(): Promise<void> {
    const [actor = 0, ...others] = this.users;
    const users = others.slice(0, 2);
    const { id } = await this.#store.ok('create_group', { actor, name: 'g', description: '', users });
    this.#chats.push(new ModelChat(id, actor, [actor, ...users], true));
  }

  async #deleteGroup(chat: ModelChat): Promise<void> {
    if (!chat.isGroup) return;
    await this.#store.ok('delete_group', { actor: chat.ownerId, groupId: chat.id });
    this.#chats = this.#chats.filter((other) => other !== chat);
  }
}

function pick<T>(list: readonly T[], number: number): T {
  const found = list[number % list.length];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
}
