import { groupView } from '../../../api/encode.js';
import type { Chat } from '../../../chat/chats.js';
import { ChatError } from '../../../chat/errors.js';
import { assertMayManage } from '../../../chat/groups.js';
import type { Caller } from '../../../chat/users.js';
import { chainLoaded, mapLoaded } from '../../../store/loading.js';
import type { Loaded } from '../../../store/read-store.js';
import type { Hub } from '../../hub/hub.js';
import {
  actorOf,
  ask,
  assertChanges,
  type Endpoints,
  OK,
  photoUrlOf,
  type Request,
  type Services,
} from './endpoint.js';
import { changePhoto, withPhoto } from './with-photo.js';

type GroupRoute =
  | 'createGroup'
  | 'updateGroup'
  | 'deleteGroup'
  | 'getGroupInfo'
  | 'getGroupUsers'
  | 'getGroupPhoto'
  | 'addMembers'
  | 'removeMembers';

export const groupEndpoints: Endpoints<GroupRoute> = {
  async createGroup(request, services) {
    const { name, description, users, client_id } = request.body;
    const { submit } = services;
    services.admission.admitRows(request.caller, users.length);
    const actor = await actorOf(request, services);
    const group = {
      actor,
      name,
      description,
      users,
      ...(client_id !== undefined && { clientId: client_id }),
    };
    if (request.photo === undefined) return created(await submit('create_group', group));

    const { id } = await submit('reserve_id', { of: 'chat' });
    const outcome = await withPhoto(services, request.photo.path, 'groups', id, (photo) =>
      submit('create_group', { ...group, id, photo }),
    );
    // The first group keeps the photo that it came with.
    if (outcome.duplicate) await services.photos.removeAll('groups', id);
    return created(outcome);
  },

  async updateGroup({ caller, id, body, photo }, services) {
    assertChanges(body, photo);
    const actor = await actorOf({ caller }, services);
    // The ledger decides, but nobody else's photo is to be written into the group's folder first.
    if (photo !== undefined) await assertOwner(services.hub, actor, id);
    const { group } = await changePhoto(services, photo, 'groups', id, (name) =>
      services.submit('update_group', { ...body, actor, groupId: id, ...name }),
    );
    return { status: 'ok', group: groupView(group, photoUrlOf('group', group, services, caller)) };
  },

  async deleteGroup(request, services) {
    const actor = await actorOf(request, services);
    await services.submit('delete_group', { actor, groupId: request.id });
    services.photos
      .removeAll('groups', request.id)
      .catch((error: unknown) => services.warn("a deleted group's folder stays", error));
    return OK;
  },

  getGroupInfo({ id, caller }, services) {
    return mapLoaded(loadGroup(services.hub, caller, id), (group) =>
      groupView(group, photoUrlOf('group', group, services, caller)),
    );
  },

  getGroupUsers({ id, caller }, { hub, admission }) {
    return chainLoaded(hub.loadUserId(caller), (me = 0) =>
      // The members of a private chat are not read, which would take longer than to find nothing.
      chainLoaded(hub.loadChat(me, id, 'group'), () =>
        mapLoaded(hub.store.membersFor(id, me), (group) => {
          if (group === undefined) throw new ChatError('group_not_found');
          admission.admitRows(caller, group.members.length);
          const users = group.members.map(({ id, name }) => ({
            id,
            name,
            role: id === group.chat.ownerId ? 'owner' : 'member',
          }));
          return { users };
        }),
      ),
    );
  },

  getGroupPhoto({ id, caller }, { hub }) {
    return mapLoaded(loadGroup(hub, caller, id), ({ photo }) => ({ photoOf: 'groups', id, name: photo }));
  },

  async addMembers(request, services) {
    const { changed, unchanged } = await changeMembers('add_members', request, services);
    return request.ifNeeded ? { ...OK, added: changed, unchanged } : OK;
  },

  async removeMembers(request, services) {
    const { changed, unchanged } = await changeMembers('remove_members', request, services);
    return request.ifNeeded ? { ...OK, removed: changed, unchanged } : OK;
  },
};

/** Errors: those of the command, rate_limited. */
async function changeMembers(
  command: 'add_members' | 'remove_members',
  request: Request<'addMembers' | 'removeMembers'>,
  services: Services,
) {
  const { id: groupId, ifNeeded } = request;
  const { users } = request.body;
  services.admission.admitRows(request.caller, users.length);
  const actor = await actorOf(request, services);
  const { unchanged } = await services.submit(command, { actor, groupId, users, ifNeeded });
  const passedOver = new Set(unchanged);
  return { changed: users.filter((user) => !passedOver.has(user)), unchanged };
}

/** Errors: profile_required, group_not_found, not_owner. */
async function assertOwner(hub: Hub, actor: number, id: number): Promise<void> {
  if ((await ask(hub, () => hub.loadProfile(actor))) === undefined) throw new ChatError('profile_required');
  assertMayManage(await ask(hub, () => hub.loadChat(actor, id, 'group')), actor);
}

/** A group of the caller. Errors: group_not_found. */
function loadGroup(hub: Hub, caller: Caller, id: number): Loaded<Chat> {
  return chainLoaded(hub.loadUserId(caller), (me) => hub.loadChat(me, id, 'group'));
}

function created({ id, name }: { readonly id: number; readonly name: string }) {
  return { status: 'ok', group: { id, name } };
}
