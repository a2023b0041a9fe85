import type { SeenReaction } from '../message.js';
import type { CheckContext } from './check-context.js';
import type { StoredMessage } from './stored-log.js';

/** What a reader knows of a message to which something was done. */
interface Known {
  version: number;
  /** The session that showed the message itself, with this version; 0 when an edit made it. */
  shownBy: number;
  isDeleted: boolean;
  readonly reactions: Map<string, { count: number; me: boolean }>;
}

/** The connection on which something is shown. */
export interface Showing {
  readonly session: number;
  /** How many events there were before the client began to connect. */
  readonly beganAt: number;
  /** Says who is shown it, for a person. */
  readonly name: string;
}

/**
 * What a socket of a client knows of messages, over all its connections, as a client keeps it that applies every frame:
 * of two texts it keeps the one with the higher version. It is never shown something older than it knows, nor than what
 * was acknowledged before it connected. Messages to which nothing was done take no memory.
 */
export class Reader {
  readonly user: number;
  readonly #context: CheckContext;
  readonly #known = new Map<number, Known>();

  constructor(user: number, context: CheckContext) {
    this.user = user;
    this.#context = context;
  }

  message(
    showing: Showing,
    message: StoredMessage,
    { version, reactions }: { readonly version: number; readonly reactions: readonly SeenReaction[] },
  ): void {
    const known = this.#known.get(message.id);
    this.#checkAge(showing, message.id, version);
    if (version < (known?.version ?? 1)) this.#stale(showing, message.id, version);
    if (known === undefined && version === 1 && reactions.length === 0) return;
    const shown = this.#knownOf(message.id);
    if (version >= shown.version) shown.shownBy = showing.session;
    shown.version = Math.max(shown.version, version);
    this.#replace(shown, reactions);
  }

  edited(
    showing: Showing,
    messageId: number,
    {
      version,
      reactions,
    }: { readonly version: number; readonly reactions?: readonly SeenReaction[] | undefined },
  ): void {
    this.#checkAge(showing, messageId, version);
    const known = this.#knownOf(messageId);
    // A live message is shown as it is when it is read; the edits that made it so follow.
    if (version < known.version && known.shownBy !== showing.session)
      this.#stale(showing, messageId, version);
    if (version > known.version) {
      known.version = version;
      known.shownBy = 0;
    }
    if (reactions !== undefined) this.#replace(known, reactions);
  }

  deleted(messageId: number): void {
    const known = this.#knownOf(messageId);
    known.isDeleted = true;
    known.reactions.clear();
  }

  reaction(
    messageId: number,
    { user, emoji, isOn, count }: { user: number; emoji: string; isOn: boolean; count: number },
  ): void {
    const known = this.#knownOf(messageId);
    if (known.isDeleted) return;
    const me = user === this.user ? isOn : (known.reactions.get(emoji)?.me ?? false);
    if (count === 0) known.reactions.delete(emoji);
    else known.reactions.set(emoji, { count, me });
  }

  reactions(messageId: number, reactions: readonly SeenReaction[]): void {
    this.#replace(this.#knownOf(messageId), reactions);
  }

  /** After the last event: what differs from a message as it is stored, in words; undefined when nothing does. */
  difference({ id, state }: StoredMessage): string | undefined {
    const { version = 1, isDeleted = false, reactions = NONE } = this.#known.get(id) ?? {};
    if (isDeleted !== state.isDeleted) return isDeleted ? 'deleted' : 'not deleted';
    if (isDeleted) return undefined;
    if (version !== state.version) return `version ${version} instead of ${state.version}`;
    for (const emoji of new Set([...reactions.keys(), ...state.reactions.keys()])) {
      const { count = 0, me = false } = reactions.get(emoji) ?? {};
      const stored = state.reactions.get(emoji) ?? 0;
      if (count !== stored) return `${count} ${emoji} instead of ${stored}`;
      const isOwn = this.#context.asked.hasReacted(id, this.user, emoji) ?? me;
      if (me !== isOwn) return `${emoji} ${me ? 'with' : 'without'} the reader`;
    }
    return undefined;
  }

  #checkAge(showing: Showing, messageId: number, version: number): void {
    const { asked, verdict } = this.#context;
    const { name, beganAt } = showing;
    if (this.#known.get(messageId)?.isDeleted)
      return verdict.add('stale', `${name}: ${messageId} came after its deletion`);
    if (asked.isDeletedBefore(messageId, beganAt))
      return verdict.add('stale', `${name}: ${messageId}, whose deletion was acknowledged before`);
    const least = asked.versionBefore(messageId, beganAt);
    if (version < least)
      verdict.add('stale', `${name}: version ${version} of ${messageId}, after ${least} was acknowledged`);
  }

  #stale({ name }: Showing, messageId: number, version: number): void {
    const known = this.#known.get(messageId)?.version ?? 1;
    this.#context.verdict.add('stale', `${name}: version ${version} of ${messageId}, after ${known}`);
  }

  #replace({ reactions, isDeleted }: Known, all: readonly SeenReaction[]): void {
    if (isDeleted) return;
    reactions.clear();
    for (const { emoji, count, me } of all) reactions.set(emoji, { count, me });
  }

  #knownOf(messageId: number): Known {
    let known = this.#known.get(messageId);
    if (known === undefined) {
      known = { version: 1, shownBy: 0, isDeleted: false, reactions: new Map() };
      this.#known.set(messageId, known);
    }
    return known;
  }
}

const NONE: ReadonlyMap<string, { count: number; me: boolean }> = new Map();
