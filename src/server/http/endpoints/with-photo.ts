import { ChatError } from '../../../chat/errors.js';
import type { PhotoOwner } from '../../../store/photo-store.js';
import type { Services } from './endpoint.js';

/**
 * Photo first, row second: the file is durable before a row names it, and is taken back when the row is
 * refused. Only when the outcome is not known does it stay; a file that no row names is swept later.
 */
export async function withPhoto<T>(
  { photos, warn }: Services,
  path: string,
  owner: PhotoOwner,
  id: number,
  submit: (name: string) => Promise<T>,
): Promise<T> {
  const placed = await photos.place(path, owner, id);
  try {
    return await submit(placed.name);
  } catch (error) {
    const unknown = error instanceof ChatError && error.code === 'timeout';
    if (!unknown)
      await placed.remove().catch((failure: unknown) => warn('a photo could not be removed', failure));
    throw error;
  }
}
