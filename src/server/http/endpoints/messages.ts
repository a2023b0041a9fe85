import { reactionsJson } from '../../../api/encode.js';
import { HISTORY_BYTES_MAX } from '../../../api/frames.js';
import { PAGE_ROWS_MAX } from '../../../api/responses.js';
import { type ChatType, chatNotFound } from '../../../chat/chats.js';
import type { Commands } from '../../../chat/commands.js';
import { ChatError } from '../../../chat/errors.js';
import { isDeleted } from '../../../chat/messages.js';
import { chainLoaded, mapLoaded } from '../../../store/loading.js';
import { type Loaded, type MessageInChat, reactionKey } from '../../../store/read-store.js';
import type { Hub } from '../../hub/hub.js';
import { encodeEntry, frameFor } from '../../hub/pages.js';
import { encodePlaced, NEWEST, PLACED_MESSAGES } from '../../hub/placed-page.js';
import { actorOf, ask, type Endpoints, OK, type Request, type Services } from './endpoint.js';

/** How many users a page has when nothing is said about it. */
const REACTORS = 100;

type PostRoute = 'postChatMessage' | 'postGroupMessage';
type PageRoute = 'getChatMessages' | 'getGroupMessages';
type ReactionRoute = 'addReaction' | 'removeReaction';
type MessageRoute = PostRoute | PageRoute | ReactionRoute;

export const messageEndpoints: Endpoints<
  MessageRoute | 'getMessage' | 'editMessage' | 'deleteMessage' | 'getReactors'
> = {
  postChatMessage: (request, services) => post(request, services, 'private'),
  postGroupMessage: (request, services) => post(request, services, 'group'),
  getChatMessages: (request, services) => loadPage(request, services, 'private'),
  getGroupMessages: (request, services) => loadPage(request, services, 'group'),

  getMessage({ caller, id }, { hub }) {
    return chainLoaded(hub.loadUserId(caller), (me = 0) =>
      mapLoaded(loadMessage(hub, me, id), (found) => messageJsonOf(hub, found)),
    );
  },

  async editMessage(request, services) {
    const { text, client_id: clientId } = request.body;
    const actor = await actorOf(request, services);
    await submit(request, services, 'edit_message', { actor, messageId: request.id, text, clientId });
    return readMessage(services.hub, actor, request.id);
  },

  async deleteMessage(request, services) {
    const actor = await actorOf(request, services);
    await submit(request, services, 'delete_message', { actor, messageId: request.id });
    return OK;
  },

  addReaction: (request, services) => react(request, services, true),
  removeReaction: (request, services) => react(request, services, false),

  getReactors({ caller, id, emoji, limit = REACTORS, offset = 0 }, { hub, admission }) {
    const page = { limit: Math.min(limit, PAGE_ROWS_MAX), offset };
    return chainLoaded(hub.loadUserId(caller), (me = 0) =>
      mapLoaded(hub.store.reactorsFor(id, me, emoji, page), (found) => {
        if (found === undefined || isDeleted(found.message)) throw new ChatError('message_not_found');
        const { message, users } = found;
        const count = message.extra?.reactions?.find((reaction) => reaction.emoji === emoji)?.count ?? 0;
        admission.admitRows(caller, Math.min(count, offset) + users.length);
        return { users, count };
      }),
    );
  },
};

/** Errors: those of `assertMayPost` and of the command; rate_limited. */
async function post(request: Request<PostRoute>, services: Services, type: ChatType): Promise<string> {
  const { id: chatId, body } = request;
  const { text, client_id: clientId, reply_to: replyTo, mentions } = body;
  const authorId = await actorOf(request, services);
  await assertMayPost(services.hub, authorId, chatId, type);
  const message = { chatId, authorId, text, clientId, replyTo, mentions };
  const outcome = await submit(request, services, 'post_message', message).catch((error: unknown) => {
    // The user was in the chat a moment ago.
    const isGone = error instanceof ChatError && error.code === 'chat_not_found';
    throw isGone && type === 'group' ? new ChatError('group_not_found') : error;
  });
  const shown = await readMessage(services.hub, authorId, outcome.id);
  return 'duplicate' in outcome ? `${shown.slice(0, -1)},"duplicate":true}` : shown;
}

/** Errors: profile_required, chat_not_found, group_not_found. */
function assertMayPost(hub: Hub, actor: number, chatId: number, type: ChatType): Promise<unknown> {
  return ask(hub, () =>
    chainLoaded<unknown, unknown>(hub.loadProfile(actor), (profile) => {
      if (profile === undefined) throw new ChatError('profile_required');
      return hub.loadChat(actor, chatId, type);
    }),
  );
}

/** Errors: those of the command, rate_limited. */
async function react(request: Request<ReactionRoute>, services: Services, isOn: boolean): Promise<string> {
  const { id: messageId, emoji } = request;
  const { hub } = services;
  const actor = await actorOf(request, services);
  await submit(request, services, 'react', { actor, messageId, emoji, isOn });
  const { message, own } = await ask(hub, () => loadMessage(hub, actor, messageId));
  const isOwn = (one: string) => own.has(reactionKey(messageId, one));
  return `{"status":"ok","reactions":${reactionsJson(message.extra?.reactions ?? [], isOwn)}}`;
}

/** Hands a message or a change of one to the ledger, which decides on their rate. Errors: those of the command. */
async function submit<K extends 'post_message' | 'edit_message' | 'delete_message' | 'react'>(
  { caller }: Request<PostRoute | ReactionRoute | 'editMessage' | 'deleteMessage'>,
  { admission, submit }: Services,
  kind: K,
  command: Commands[K]['do'],
): Promise<Commands[K]['ok']> {
  const refusal = admission.admitMessage(caller);
  if (refusal !== undefined) throw refusal;
  try {
    const ok = await submit(kind, command);
    admission.messageSettled(caller, { ok });
    return ok;
  } catch (error) {
    const { code, details } = error instanceof ChatError ? error : new ChatError('internal');
    admission.messageSettled(caller, { error: code, details });
    throw error;
  }
}

/** Shows a message after a change, as it is now. Errors: message_not_found for one who has left its chat meanwhile. */
function readMessage(hub: Hub, actor: number, messageId: number): Promise<string> {
  return ask(hub, () => mapLoaded(loadMessage(hub, actor, messageId), (found) => shownJson(hub, found)));
}

/** A message of a chat that the user is in. Errors: message_not_found, for strangers too. */
function loadMessage(hub: Hub, userId: number, messageId: number): Loaded<MessageInChat> {
  return mapLoaded(hub.store.messageFor(messageId, userId, hub.caches), (found, position) => {
    if (found === undefined) throw new ChatError('message_not_found');
    hub.caches.add(found, position);
    return found;
  });
}

function shownJson(hub: Hub, found: MessageInChat): string {
  return `{"status":"ok","message":${messageJsonOf(hub, found)}}`;
}

function messageJsonOf({ caches }: Hub, { message, quotes, own }: MessageInChat): string {
  const entry = encodeEntry(message, 'full', { nameJson: (userId) => caches.nameJson(userId), quotes });
  return frameFor(entry, own);
}

/** Errors: chat_not_found, group_not_found, rate_limited. */
function loadPage(
  { caller, id, place = NEWEST, limit = PLACED_MESSAGES }: Request<PageRoute>,
  { hub, admission }: Services,
  type: ChatType,
): Loaded<string> {
  const bounds = { max: Math.min(limit, PAGE_ROWS_MAX), maxBytes: HISTORY_BYTES_MAX };
  return chainLoaded(hub.loadUserId(caller), (me = 0) =>
    // Nothing of a chat of the other type is read, which would take longer than to find nothing.
    chainLoaded(hub.loadChat(me, id, type), () =>
      mapLoaded(hub.store.messagesAt(id, me, place, bounds, hub.caches), (page, position) => {
        if (page === undefined) throw chatNotFound(type);
        admission.admitRows(caller, page.messages.length);
        hub.caches.add({ users: page.users }, position);
        const { messages, moreBefore, moreAfter } = encodePlaced(page, hub.caches);
        return `{"messages":[${messages.join(',')}],"more_before":${moreBefore},"more_after":${moreAfter}}`;
      }),
    ),
  );
}
