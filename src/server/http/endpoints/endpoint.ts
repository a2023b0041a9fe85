import type { z } from 'zod';
import { photoPathOf } from '../../../api/encode.js';
import type { RouteName, routes } from '../../../api/routes.js';
import type { Submit } from '../../../chat/commands.js';
import { ChatError } from '../../../chat/errors.js';
import type { Caller } from '../../../chat/users.js';
import type { PhotoOwner, PhotoStore } from '../../../store/photo-store.js';
import type { Loaded, Place } from '../../../store/read-store.js';
import type { PhotoLinks } from '../../auth/photo-links.js';
import type { Hub } from '../../hub/hub.js';
import type { Admission } from '../../limits/admission.js';

/** What the endpoints of a worker work with. */
export interface Services {
  readonly hub: Hub;
  readonly submit: Submit;
  readonly photos: PhotoStore;
  readonly photoLinks: PhotoLinks;
  /** In groups with more members nobody is told who has read; 0: no limit. */
  readonly typingMembersMax: number;
  readonly admission: Pick<Admission, 'admitMessage' | 'messageSettled' | 'admitRows'>;
  /** Logs what failed beside a request that is answered all the same. */
  readonly warn: (message: string, error: unknown) => void;
}

/** A request whose shape and identity are checked. */
export interface Request<K extends RouteName> {
  readonly caller: Caller;
  /** The `{id}` of the path; 0 where the path has none. */
  readonly id: number;
  /** The `{emoji}` of the path; empty where the path has none. */
  readonly emoji: string;
  readonly limit: number | undefined;
  readonly offset: number | undefined;
  /** Which messages of a chat are asked for. */
  readonly place: Place | undefined;
  /** Whether what is so already is passed over instead of being refused. */
  readonly ifNeeded: boolean | undefined;
  readonly body: BodyOf<(typeof routes)[K]>;
  /** An uploaded photo in the temporary folder; it is removed after the request. */
  readonly photo: { readonly path: string } | undefined;
}

type BodyOf<R> = R extends { body: infer S extends z.ZodType } ? z.infer<S> : undefined;

/** The body of a 200: an object, or JSON text. */
export type Reply = Readonly<Record<string, unknown>> | string;
/** A photo that is read from its file when the row that names it is. */
export interface PhotoOf {
  readonly photoOf: PhotoOwner;
  readonly id: number;
  readonly name: string | null;
}
/** Loads the answer to a GET. Errors: a ChatError refuses. */
export type Read<K extends RouteName> = (request: Request<K>, services: Services) => Loaded<Reply | PhotoOf>;
/** Answers what changes something. */
export type Write<K extends RouteName> = (request: Request<K>, services: Services) => Promise<Reply>;
export type Endpoints<K extends RouteName = RouteName> = {
  readonly [P in K]: (typeof routes)[P]['method'] extends 'GET' ? Read<P> : Write<P>;
};

export const OK = { status: 'ok' } as const;

/** The user id of who makes a change. Whether that user has a profile, the ledger decides. Errors: profile_required. */
export async function actorOf(request: { caller: Caller }, services: Services): Promise<number> {
  if ('id' in request.caller) return request.caller.id;
  const { hub } = services;
  const { caller } = request;
  const id = await ask(hub, () => hub.loadUserId(caller));
  if (id === undefined) throw new ChatError('profile_required');
  return id;
}

/** Asks the store together with all who ask in this tick. */
export function ask<T>({ follower }: Hub, load: () => Loaded<T>): Promise<T> {
  return new Promise((resolve, reject) => follower.readSoon(load, resolve, reject));
}

/** The link to the photo of a user or group that the caller may see, for an `<img>`; null when there is no photo. */
export function photoUrlOf(
  of: 'user' | 'group',
  it: { readonly id: number; readonly photo: string | null },
  { photoLinks }: Services,
  caller: Caller,
): string | null {
  const path = photoPathOf(of, it);
  return path && photoLinks.linkTo(path, (it.photo ?? '').slice(0, 8), caller);
}

/** A change that changes nothing is a mistake. Errors: invalid_field. */
export function assertChanges(body: { readonly photo?: null | undefined }, photo: object | undefined): void {
  if (photo === undefined && Object.values(body).every((value) => value === undefined))
    throw new ChatError('invalid_field', {
      sentence: 'The field body must have something to change.',
      details: { field: 'body' },
    });
  if (photo !== undefined && body.photo === null)
    throw new ChatError('invalid_field', {
      sentence: 'The field photo must be absent where a photo is uploaded.',
      details: { field: 'photo' },
    });
}
