import { BASE, type RouteName, routes } from '../../../src/api/routes.js';
import { png } from '../../support/images.js';
import { exitOf, launch, SECRET, type TestServer } from '../../support/server.js';
import { ask, join, newcomer, type StrictUser, workerOf } from '../../support/strict.js';
import { nowSeconds, sign } from '../../support/tokens.js';
import { until } from '../../support/wait.js';
import type { About, Role } from './rules.js';

type Person = Exclude<Role, 'nobody' | 'expired' | 'revoked'>;

/** Of each kind of id the largest: none was ever given. */
export const UNKNOWN_ID = Number.MAX_SAFE_INTEGER;

/** What an `<img>` has in place of a token. */
export interface Links {
  readonly user: string;
  readonly group: string;
}

/** One chat and one group, with photos, and people in every relation to them. */
export class Scene {
  readonly server: TestServer;
  readonly people: Readonly<Record<Person, StrictUser>>;
  /** A user whom everybody may know, and who is in nothing. */
  readonly somebody: StrictUser;
  /** Of the owner and the member. */
  readonly chat: number;
  readonly group: number;
  /** A group that is deleted. */
  readonly gone: number;
  /** Messages: of the member in the chat, of the owner in the group, of the former owner in the deleted group. */
  readonly messages: Readonly<Record<'chat' | 'group' | 'gone', number>>;
  /** An entry of the group that is no message: a change of the owner's message. */
  readonly change: number;
  /** Links to photos that people had before they were removed or their tokens were revoked. */
  readonly formerLinks: Readonly<Record<'removed' | 'revoked', Links>>;
  readonly #tokens: Readonly<Record<Exclude<Role, Person>, string | undefined>>;

  private constructor(
    server: TestServer,
    people: Scene['people'],
    somebody: StrictUser,
    ids: Pick<Scene, 'chat' | 'group' | 'gone' | 'messages' | 'change'>,
    tokens: { expired: string; revoked: string },
    formerLinks: Scene['formerLinks'],
  ) {
    this.server = server;
    this.people = people;
    this.somebody = somebody;
    this.chat = ids.chat;
    this.group = ids.group;
    this.gone = ids.gone;
    this.messages = ids.messages;
    this.change = ids.change;
    this.formerLinks = formerLinks;
    this.#tokens = { nobody: undefined, ...tokens };
  }

  static async open(server: TestServer): Promise<Scene> {
    const people = {
      profileless: await newcomer(server, 'Nemo'),
      stranger: await join(server, 'Stranger'),
      removed: await join(server, 'Removed'),
      former: await join(server, 'Former'),
      member: await join(server, 'Member'),
      owner: await join(server, 'Owner'),
    };
    const { owner, member, removed, former } = people;
    const somebody = await newcomer(server, 'Somebody');
    await somebody.post('/user', withPhoto({ username: somebody.username, name: somebody.name }));
    const chat = await owner.chatWith(member);
    const users = [{ id: member.id }, { id: removed.id }];
    const group = (await owner.post('/group', withPhoto({ name: 'a group', users }))).body.group.id;
    const linksOf = async (user: StrictUser): Promise<Links> => ({
      user: (await user.get(`/user/${somebody.id}`)).body.photo_url,
      group: (await user.get(`/group/${group}/info`)).body.photo_url,
    });
    const formerLinks = { removed: await linksOf(removed), revoked: await linksOf(owner) };
    await owner.delete(`/group/${group}/delete`, { users: [{ id: removed.id }] });
    const gone = await former.groupWith(removed);
    const says = async (user: StrictUser, path: string): Promise<number> =>
      (await user.post(`${path}/message`, { text: `${user.name} said this` })).body.message.id;
    const messages = {
      chat: await says(member, `/chat/${chat}`),
      group: await says(owner, `/group/${group}`),
      gone: await says(former, `/group/${gone}`),
    };
    const socket = await owner.connect(`/group/${group}?features=1`);
    await socket.nextOf('history');
    await owner.patch(`/message/${messages.group}`, { text: 'This is what the owner meant' });
    const { id: change } = await socket.nextOf('edited');
    await socket.close();
    await former.delete(`/group/${gone}`);
    const now = nowSeconds();
    const tokens = {
      expired: await sign({ sub: owner.id, exp: now - 60 }),
      revoked: await sign({ sub: owner.id, iat: now - 100 }),
    };
    const ids = { chat, group, gone, messages, change };
    return new Scene(server, people, somebody, ids, tokens, formerLinks);
  }

  /** Makes the revoked token one, on every worker. */
  async revoke(): Promise<void> {
    const args = ['revoke', '--sub', String(this.people.owner.id)];
    const before = new Date((nowSeconds() - 50) * 1000).toISOString();
    const env = { JWT_SECRET: SECRET, DATA_DIR: this.server.dataDir };
    const { process, output } = launch(env, [...args, '--before', before]);
    const { code } = await exitOf(process);
    if (code !== 0) throw new Error(`nothing was revoked: ${output.text}`);
    await until(async () => {
      const question = { token: this.token('revoked'), headers: { connection: 'close' } };
      const tries = Array.from({ length: 8 }, () => ask(this.server, 'GET', `${BASE}/user`, question));
      const answers = await Promise.all(tries);
      const refused = answers.every(({ status }) => status === 401);
      return refused && new Set(answers.map(workerOf)).size === 2;
    });
  }

  token(role: Role): string | undefined {
    return isPerson(role) ? this.people[role].token : this.#tokens[role];
  }

  /** What somebody in that role asks for. */
  idOf(about: About, role: Role): number {
    if (about === 'user' || about === 'none') return this.somebody.id;
    if (about === 'message') return role === 'former' ? this.messages.gone : this.messages.group;
    if (role === 'former') return this.gone;
    return about === 'chat' ? this.chat : this.group;
  }

  /** A body that the route takes; undefined where it takes none. */
  bodyOf(name: RouteName): string | undefined {
    const bodies: { readonly [P in RouteName]?: object } = {
      createUser: { username: `nemo-${this.people.profileless.id}`, name: 'Nemo' },
      updateUser: { description: 'changed' },
      createGroup: { name: 'another group' },
      updateGroup: { name: 'another name' },
      readChat: { id: 1 },
      readGroup: { id: 1 },
      addMembers: { users: [{ id: this.somebody.id }] },
      removeMembers: { users: [{ id: this.people.member.id }] },
      postChatMessage: { text: 'hello' },
      postGroupMessage: { text: 'hello' },
      editMessage: { text: 'changed' },
    };
    return bodies[name] && JSON.stringify(bodies[name]);
  }

  /** What those who may see it see of all there is. */
  async seen(): Promise<unknown> {
    const { owner, member, former, stranger } = this.people;
    const answers = [
      owner.get(`/group/${this.group}/info`),
      owner.get(`/group/${this.group}/users`),
      member.get(`/chat/${this.chat}/info`),
      member.get(`/chat/${this.chat}/messages`),
      owner.get(`/group/${this.group}/messages`),
      ...[owner, member, former, stranger].map((user) => user.get('/chats')),
    ];
    return (await Promise.all(answers)).map(({ body }) => body);
  }
}

/** The path of a route or channel with its id, and an emoji where it has one. */
export function pathTo(pattern: string, id: number): string {
  return pattern.replace('{id}', String(id)).replace('{emoji}', encodeURIComponent('👍'));
}

export const ROUTE_NAMES = Object.keys(routes) as RouteName[];

function withPhoto(json: object): FormData {
  const form = new FormData();
  form.set('json', JSON.stringify(json));
  form.set('photo', new Blob([new Uint8Array(png(8, 8))], { type: 'image/png' }), 'photo.png');
  return form;
}

function isPerson(role: Role): role is Person {
  return role !== 'nobody' && role !== 'expired' && role !== 'revoked';
}
