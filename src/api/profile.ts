import type { User } from '../chat/users.js';
import { BASE } from './routes.js';

/** A profile, as the API shows it. */
export function profileView({ id, name, username, description, photo }: User) {
  return { id, name, username, description, photo: photo && `${BASE}/user/${id}/photo` };
}
