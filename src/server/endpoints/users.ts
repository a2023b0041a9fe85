import { BASE } from '../../api/routes.js';
import { ChatError } from '../../chat/errors.js';
import type { User } from '../../chat/users.js';
import { type Endpoints, OK, userIdOf } from './endpoint.js';
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

  async getMe(request, services) {
    const { hub } = services;
    return hub.follower.exactSoon((view) => {
      const id = userIdOf(request, services, view);
      return profile(id === undefined ? undefined : hub.caches.user(view, id));
    });
  },

  async getUser({ id }, { hub }) {
    return hub.follower.exactSoon((view) => profile(hub.caches.user(view, id)));
  },

  async getUserPhoto({ id }, { hub, photos }) {
    const user = await hub.follower.exactSoon((view) => hub.caches.user(view, id));
    if (user === undefined) throw new ChatError('user_not_found');
    return photos.read('users', id, user.photo);
  },
};

function profile(user: User | undefined) {
  if (user === undefined) throw new ChatError('user_not_found');
  const { id, name, username, description } = user;
  return { id, name, username, description, photo: user.photo && `${BASE}/user/${id}/photo` };
}
