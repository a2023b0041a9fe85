import { messageJson } from '../../../api/frames.js';
import { otherOf } from '../../../chat/chats.js';
import { ChatError } from '../../../chat/errors.js';
import type { Message } from '../../../chat/messages.js';
import type { ReadView } from '../../../store/read-store.js';
import type { Hub } from '../../hub/hub.js';
import { actorOf, type Endpoints } from './endpoint.js';

export const chatEndpoints: Endpoints<'openChat' | 'getChatInfo' | 'listChats'> = {
  async openChat(request, services) {
    const actor = await actorOf(request, services);
    const { id } = await services.submit('open_chat', { actor, other: request.id });
    return { status: 'ok', chat: { id } };
  },

  getChatInfo(request, services, view) {
    const { hub } = services;
    const me = hub.userOf(view, request.caller) ?? 0;
    const { id, pair } = hub.chatFor(view, me, request.id, 'private');
    if (pair === null) throw new ChatError('chat_not_found');
    const name = hub.caches.nameJson(view, otherOf(pair, me));
    const users = pair.map((user) => `{"id":${user},"name":${hub.caches.nameJson(view, user)}}`);
    const last = lastMessage(hub, view, hub.caches.newestMessage(view, id));
    return `{"id":${id},"type":"private","name":${name},"users":[${users}],"last_message":${last}}`;
  },

  listChats(request, services, view) {
    const { hub } = services;
    const { offset = 0, limit = Number.MAX_SAFE_INTEGER } = request;
    const me = hub.userOf(view, request.caller);
    const ids = me === undefined ? [] : view.chatsOf(me);
    if (me === undefined || ids.length === 0) throw new ChatError('chats_not_found');
    services.assertRows(request.caller, ids.length);
    const chats = ids.map((id) => ({ id, newest: hub.caches.newestMessage(view, id) }));
    // Newest message first; those without one after them, newest first.
    chats.sort((a, b) => (b.newest?.id ?? 0) - (a.newest?.id ?? 0) || b.id - a.id);
    const rooms = chats.slice(offset, offset + limit).map(({ id, newest }) => {
      const chat = hub.caches.chat(view, id);
      const name = chat?.pair
        ? hub.caches.nameJson(view, otherOf(chat.pair, me))
        : JSON.stringify(chat?.name);
      return `{"id":${id},"name":${name},"type":"${chat?.type}","last_message":${lastMessage(hub, view, newest)}}`;
    });
    return `{"rooms":[${rooms.join(',')}]}`;
  },
};

function lastMessage(hub: Hub, view: ReadView, message: Message | undefined): string {
  return message === undefined ? 'null' : messageJson(message, hub.caches.nameJson(view, message.authorId));
}
