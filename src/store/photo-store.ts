export type PhotoOwner = 'users' | 'groups';

export interface Image {
  readonly contentType: string;
  readonly bytes: Buffer;
}

/** Lasting photos. A row names a photo by what `place` gave; which photos exist is for the rows to say. */
export interface PhotoStore {
  /**
   * Takes an uploaded file for a user or a group; the upload is gone after that. When it resolves, the photo
   * survives a power loss. Errors: photo_invalid (not an image that is taken, or too large a one), storage_full.
   */
  place(uploaded: string, owner: PhotoOwner, id: number): Promise<PlacedPhoto>;
  /** Errors: photo_not_found. */
  read(owner: PhotoOwner, id: number, name: string | null): Promise<Image>;
  /** Removes a photo that no row names any more. */
  remove(owner: PhotoOwner, id: number, name: string): Promise<void>;
  /** Removes everything of one that is deleted. */
  removeAll(owner: PhotoOwner, id: number): Promise<void>;
}

/** A photo that was placed, and can be taken back as long as no row names it. */
export interface PlacedPhoto {
  readonly name: string;
  remove(): Promise<void>;
}
