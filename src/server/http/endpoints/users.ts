import { profileView } from '../../../api/encode.js';
import { ChatError } from '../../../chat/errors.js';
import { chainLoaded, mapLoaded } from '../../../store/loading.js';
import type { Profile } from '../../hub/caches.js';
import { actorOf, assertChanges, type Endpoints, OK } from './endpoint.js';
import { changePhoto, withPhoto } from './with-photo.js';

type UserRoute = 'createUser' | 'updateUser' | 'getMe' | 'getUser' | 'getUserPhoto';

export const userEndpoints: Endpoints<UserRoute> = {
  async createUser({ caller, body, photo }, services) {
    if (photo === undefined) {
      await services.submit('create_user', { caller, ...body });
      return OK;
    }
    // The photo's folder is named after the user id, so that a subject needs an id first.
    const { id } = 'id' in caller ? caller : await services.submit('reserve_id', { of: 'user' });
    await withPhoto(services, photo.path, 'users', id, (name) =>
      services.submit('create_user', { caller, id, ...body, photo: name }),
    );
    return OK;
  },

  async updateUser({ caller, body, photo }, services) {
    assertChanges(body, photo);
    const actor = await actorOf({ caller }, services);
    const { user } = await changePhoto(services, photo, 'users', actor, (name) =>
      services.submit('update_user', { ...body, actor, ...name }),
    );
    return { status: 'ok', user: profileView(user) };
  },

  getMe({ caller }, { hub }) {
    return chainLoaded(hub.loadUserId(caller), (id) =>
      id === undefined ? hub.follower.here(jsonOf(undefined)) : mapLoaded(hub.loadProfile(id), jsonOf),
    );
  },

  getUser({ id }, { hub }) {
    return mapLoaded(hub.loadProfile(id), jsonOf);
  },

  getUserPhoto({ id }, { hub }) {
    return mapLoaded(hub.loadProfile(id), (user) => {
      if (user === undefined) throw new ChatError('user_not_found');
      return { photoOf: 'users', id, name: user.photo };
    });
  },
};

function jsonOf(profile: Profile | undefined): string {
  if (profile === undefined) throw new ChatError('user_not_found');
  return profile.json;
}
