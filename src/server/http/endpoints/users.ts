import { profileView } from '../../../api/encode.js';
import { ChatError } from '../../../chat/errors.js';
import type { Caller } from '../../../chat/users.js';
import { chainLoaded, mapLoaded } from '../../../store/loading.js';
import type { Profile } from '../../hub/caches.js';
import { actorOf, assertChanges, type Endpoints, OK, photoUrlOf, type Services } from './endpoint.js';
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
    const { read_receipts: readReceipts, ...changes } = body;
    const actor = await actorOf({ caller }, services);
    const { user } = await changePhoto(services, photo, 'users', actor, (name) =>
      services.submit('update_user', { ...changes, readReceipts, actor, ...name }),
    );
    return {
      status: 'ok',
      user: {
        ...profileView(user),
        photo_url: photoUrlOf('user', user, services, caller),
        read_receipts: user.readReceipts,
      },
    };
  },

  getMe({ caller }, services) {
    const { hub } = services;
    return chainLoaded(hub.loadUserId(caller), (id) => {
      if (id === undefined) throw new ChatError('user_not_found');
      return mapLoaded(hub.loadProfile(id), (profile) => {
        const json = jsonOf(profile, services, caller);
        return `${json.slice(0, -1)},"read_receipts":${profile?.readReceipts}}`;
      });
    });
  },

  getUser({ id, caller }, services) {
    return mapLoaded(services.hub.loadProfile(id), (profile) => jsonOf(profile, services, caller));
  },

  getUserPhoto({ id }, { hub }) {
    return mapLoaded(hub.loadProfile(id), (user) => {
      if (user === undefined) throw new ChatError('user_not_found');
      return { photoOf: 'users', id, name: user.photo };
    });
  },
};

/** Each viewer has a link of their own, which is spliced into what is encoded once for all. */
function jsonOf(profile: Profile | undefined, services: Services, caller: Caller): string {
  if (profile === undefined) throw new ChatError('user_not_found');
  const url = photoUrlOf('user', profile, services, caller);
  return `${profile.json.slice(0, -1)},"photo_url":${JSON.stringify(url)}}`;
}
