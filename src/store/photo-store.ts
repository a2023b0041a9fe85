export type PhotoOwner = 'users' | 'groups';

/** The sizes in pixels that a photo is kept in. */
export const PHOTO_SIZES = [1280, 160] as const;
export type PhotoSize = (typeof PHOTO_SIZES)[number];

export interface Image {
  readonly contentType: string;
  readonly bytes: Buffer;
}

/**
 * Stores photos, in their sizes and without their metadata. A row names a photo by the name that `store` gave, and a
 * photo exists when a row names it.
 */
export interface PhotoStore {
  /**
   * Stores an uploaded file among the photos of a user or a group, and removes it. When the promise resolves, the photo
   * survives a power loss. Errors: photo_invalid (no image of a type that is taken, damaged, or too large), photo_heic_unsupported,
   * overloaded, storage_full.
   */
  store(uploaded: string, owner: PhotoOwner, id: number): Promise<StoredPhoto>;
  /** Errors: photo_not_found; overloaded, where the size is still to be made. */
  read(owner: PhotoOwner, id: number, name: string | null, size: PhotoSize): Promise<Image>;
  /** Removes a photo that no row names any more. */
  remove(owner: PhotoOwner, id: number, name: string): Promise<void>;
  /** Removes all photos of a user or group that is deleted. */
  removeAll(owner: PhotoOwner, id: number): Promise<void>;
}

/** A photo that is stored, and can be removed as long as no row names it. */
export interface StoredPhoto {
  readonly name: string;
  remove(): Promise<void>;
}
