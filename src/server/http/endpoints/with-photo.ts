import { ChatError } from '../../../chat/errors.js';
import type { PhotoOwner } from '../../../store/photo-store.js';
import type { Services } from './endpoint.js';

/**
 * Stores a photo, then submits the row that names it: the file must be durable before the row is. The file is removed
 * when the row is refused. It stays when the outcome is not known; a file that no row names is swept at the next start.
 */
export async function withPhoto<T>(
  { photos, warn }: Services,
  path: string,
  owner: PhotoOwner,
  id: number,
  submit: (name: string) => Promise<T>,
): Promise<T> {
  const stored = await photos.store(path, owner, id);
  try {
    return await submit(stored.name);
  } catch (error) {
    const unknown = error instanceof ChatError && error.code === 'timeout';
    if (!unknown)
      await stored.remove().catch((failure: unknown) => warn('a photo could not be removed', failure));
    throw error;
  }
}

/**
 * Submits a change. An uploaded photo is placed first, and passed to `submit` as `{ photo: <name> }`. The file of the
 * replaced photo is removed; should that fail, it is swept later.
 */
export async function changePhoto<T extends { readonly replaced?: string }>(
  services: Services,
  photo: { readonly path: string } | undefined,
  owner: PhotoOwner,
  id: number,
  submit: (name: { readonly photo?: string }) => Promise<T>,
): Promise<T> {
  const outcome =
    photo === undefined
      ? await submit({})
      : await withPhoto(services, photo.path, owner, id, (name) => submit({ photo: name }));
  if (outcome.replaced !== undefined) {
    services.photos
      .remove(owner, id, outcome.replaced)
      .catch((error: unknown) => services.warn('a replaced photo could not be removed', error));
  }
  return outcome;
}
