import type { User } from '../chat/users.js';
import { BASE } from './routes.js';

/** A profile, as the API shows it. */
export function profileJson({ id, name, username, description, photo }: User): string {
  return JSON.stringify({
    id,
    name,
    username,
    description,
    photo: photo && `${BASE}/user/${id}/photo`,
  });
}
