import { ChatError } from '../../../chat/errors.js';
import type { Profile } from '../../hub/caches.js';
import { type Endpoints, OK } from './endpoint.js';
import { withPhoto } from './with-photo.js';

export const userEndpoints: Endpoints<'createUser' | 'getMe' | 'getUser' | 'getUserPhoto'> = {
  async createUser({ caller, body, photo }, services) {
    if (photo === undefined) {
      await services.submit('create_user', { caller, ...body });
      return OK;
    }
    // The photo's folder is named after the id, so a subject gets one first.
    const { id } = 'id' in caller ? caller : await services.submit('reserve_id', { of: 'user' });
    await withPhoto(services, photo.path, 'users', id, (name) =>
      services.submit('create_user', { caller, id, ...body, photo: name }),
    );
    return OK;
  },

  getMe(request, services, view) {
    const id = services.hub.userOf(view, request.caller);
    return jsonOf(id === undefined ? undefined : services.hub.caches.user(view, id));
  },

  getUser({ id }, { hub }, view) {
    return jsonOf(hub.caches.user(view, id));
  },

  getUserPhoto({ id }, { hub, photos }, view) {
    const user = hub.caches.user(view, id);
    if (user === undefined) throw new ChatError('user_not_found');
    return photos.read('users', id, user.photo);
  },
};

function jsonOf(profile: Profile | undefined): string {
  if (profile === undefined) throw new ChatError('user_not_found');
  return profile.json;
}
