export type PhotoOwner = 'users' | 'groups';

export interface Image {
  readonly contentType: string;
  readonly bytes: Buffer;
}

/** Stores photos. A row names a photo by the name that `store` gave, and a photo exists when a row names it. */
export interface PhotoStore {
  /**
   * Moves an uploaded file to the photos of a user or a group. When the promise resolves, the photo survives a power
   * loss. Errors: photo_invalid (no image of a type that is taken, or too large), storage_full.
   */
  store(uploaded: string, owner: PhotoOwner, id: number): Promise<StoredPhoto>;
  /** Errors: photo_not_found. */
  read(owner: PhotoOwner, id: number, name: string | null): Promise<Image>;
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
