import type { Operation } from '../../../src/api/operation.js';
import { channels, routes } from '../../../src/api/routes.js';
import type { StrictUser } from '../../support/strict.js';
import { type Asked, bytesOf } from './line.js';
import { type About, ruleOf } from './rules.js';
import { pathTo, ROUTE_NAMES, type Scene } from './scene.js';

/** Someone, and a chat or a message that is not there for them. */
export interface Blind {
  readonly who: StrictUser;
  readonly id: number;
}

type Hidden = 'chat' | 'group' | 'message';

/** Everything that is there and must not be told from what is not, for chats, groups and messages. */
export const BLIND: Readonly<Record<Hidden, Readonly<Record<string, (scene: Scene) => Blind>>>> = {
  chat: {
    'a stranger': ({ people, chat }) => ({ who: people.stranger, id: chat }),
    'a stranger who knows both': ({ somebody, chat }) => ({ who: somebody, id: chat }),
    'one without a profile': ({ people, chat }) => ({ who: people.profileless, id: chat }),
    'a stranger, of a group': ({ people, group }) => ({ who: people.stranger, id: group }),
    'a stranger, of a deleted group': ({ people, gone }) => ({ who: people.stranger, id: gone }),
    'the owner, of their group': ({ people, group }) => ({ who: people.owner, id: group }),
    'the former owner, of a deleted group': ({ people, gone }) => ({ who: people.former, id: gone }),
  },
  group: {
    'a stranger': ({ people, group }) => ({ who: people.stranger, id: group }),
    'a member of another group': ({ somebody, group }) => ({ who: somebody, id: group }),
    'a removed member': ({ people, group }) => ({ who: people.removed, id: group }),
    'one without a profile': ({ people, group }) => ({ who: people.profileless, id: group }),
    'a stranger, of a private chat': ({ people, chat }) => ({ who: people.stranger, id: chat }),
    'a stranger, of a deleted group': ({ people, gone }) => ({ who: people.stranger, id: gone }),
    'one of a private chat, of it': ({ people, chat }) => ({ who: people.member, id: chat }),
    'the former owner, of a deleted group': ({ people, gone }) => ({ who: people.former, id: gone }),
    'a former member, of a deleted group': ({ people, gone }) => ({ who: people.removed, id: gone }),
  },
  message: {
    'a stranger, of a private chat': ({ people, messages }) => ({ who: people.stranger, id: messages.chat }),
    'a stranger, of a group': ({ people, messages }) => ({ who: people.stranger, id: messages.group }),
    'a member of another group': ({ somebody, messages }) => ({ who: somebody, id: messages.group }),
    'a removed member': ({ people, messages }) => ({ who: people.removed, id: messages.group }),
    'one without a profile': ({ people, messages }) => ({ who: people.profileless, id: messages.group }),
    'the author, of a deleted group': ({ people, messages }) => ({ who: people.former, id: messages.gone }),
    'a member, of an entry that is none': ({ people, change }) => ({ who: people.owner, id: change }),
  },
};

/** Somewhere to ask for a chat, a group or a message. */
export interface Door {
  readonly name: string;
  readonly about: Hidden;
  /** The bytes of a request of this user about this id. */
  readonly knock: (scene: Scene, who: StrictUser, id: number) => string;
}

const door = (
  name: string,
  about: Hidden,
  path: string,
  asked: (scene: Scene) => Omit<Asked, 'path' | 'token'>,
): Door => ({
  name,
  about,
  knock: (scene, who, id) => bytesOf({ ...asked(scene), path: pathTo(path, id), token: who.token }),
});

const routeDoors = ROUTE_NAMES.flatMap((name) => {
  const { about } = ruleOf(name);
  if (!isHidden(about)) return [];
  const { method, path }: Operation = routes[name];
  const own = door(name, about, path, (scene) => ({ method, body: scene.bodyOf(name) }));
  const head = door(`HEAD of ${name}`, about, path, () => ({ method: 'HEAD' }));
  return method === 'GET' ? [own, head] : [own];
});

const channelDoors = channels.flatMap(({ of, path }) => {
  if (of === 'main') return [];
  const about = of === 'private' ? 'chat' : 'group';
  return (['header', 'chat.v1'] as const).map((upgrade) =>
    door(`${path} by ${upgrade}`, about, path, () => ({ method: 'GET', upgrade })),
  );
});

/** Every route, and every channel by both carriers, that is about one of them. */
export const DOORS: readonly Door[] = [...routeDoors, ...channelDoors];

function isHidden(about: About): about is Hidden {
  return about === 'chat' || about === 'group' || about === 'message';
}
