import { BASE } from '../../../api/routes.js';
import { actorOf, type Endpoints, OK } from './endpoint.js';
import { withPhoto } from './with-photo.js';

type GroupRoute =
  | 'createGroup'
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
    services.assertRows(request.caller, users.length);
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

  async deleteGroup(request, services) {
    const actor = await actorOf(request, services);
    await services.submit('delete_group', { actor, groupId: request.id });
    services.photos
      .removeAll('groups', request.id)
      .catch((error: unknown) => services.warn("a deleted group's folder stays", error));
    return OK;
  },

  getGroupInfo({ id, caller }, { hub }, view) {
    const group = hub.chatFor(view, hub.userOf(view, caller), id, 'group');
    return {
      id: group.id,
      name: group.name,
      description: group.description,
      photo: group.photo && `${BASE}/group/${group.id}/photo`,
      owner_id: group.ownerId,
      users_count: group.membersCount,
    };
  },

  getGroupUsers({ id, caller }, { hub, assertRows }, view) {
    const group = hub.chatFor(view, hub.userOf(view, caller), id, 'group');
    assertRows(caller, group.membersCount);
    const users = view.members(group.id).map(({ id, name }) => ({
      id,
      name,
      role: id === group.ownerId ? 'owner' : 'member',
    }));
    return { users };
  },

  getGroupPhoto({ id, caller }, { hub, photos }, view) {
    const group = hub.chatFor(view, hub.userOf(view, caller), id, 'group');
    return photos.read('groups', group.id, group.photo);
  },

  async addMembers(request, services) {
    services.assertRows(request.caller, request.body.users.length);
    const actor = await actorOf(request, services);
    await services.submit('add_members', { actor, groupId: request.id, users: request.body.users });
    return OK;
  },

  async removeMembers(request, services) {
    services.assertRows(request.caller, request.body.users.length);
    const actor = await actorOf(request, services);
    await services.submit('remove_members', { actor, groupId: request.id, users: request.body.users });
    return OK;
  },
};

function created({ id, name }: { readonly id: number; readonly name: string }) {
  return { status: 'ok', group: { id, name } };
}
