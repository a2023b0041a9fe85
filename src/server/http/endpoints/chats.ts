import { messageJson } from '../../../api/encode.js';
import { otherOf } from '../../../chat/chats.js';
import { ChatError } from '../../../chat/errors.js';
import type { Message } from '../../../chat/messages.js';
import { chainLoaded, mapLoaded } from '../../../store/loading.js';
import type { Room } from '../../../store/read-store.js';
import type { Hub } from '../../hub/hub.js';
import { actorOf, type Endpoints } from './endpoint.js';

export const chatEndpoints: Endpoints<'openChat' | 'getChatInfo' | 'listChats'> = {
  async openChat(request, services) {
    const actor = await actorOf(request, services);
    const { id } = await services.submit('open_chat', { actor, other: request.id });
    return { status: 'ok', chat: { id } };
  },

  getChatInfo({ caller, id }, { hub }) {
    return chainLoaded(hub.loadUserId(caller), (me = 0) =>
      mapLoaded(hub.store.roomsOf(me, hub.caches, [id]), (found, position) => {
        hub.caches.add(found, position);
        const [room] = found.rooms;
        const pair = room?.chat.pair ?? null;
        if (room === undefined || pair === null) throw new ChatError('chat_not_found');
        const name = hub.caches.nameJson(otherOf(pair, me));
        const members = pair.map((user) => `{"id":${user},"name":${hub.caches.nameJson(user)}}`);
        const last = lastMessage(hub, room.newest);
        return `{"id":${id},"type":"private","name":${name},"users":[${members}],"last_message":${last}}`;
      }),
    );
  },

  listChats({ caller, offset = 0, limit = Number.MAX_SAFE_INTEGER }, { hub, admitRows }) {
    return chainLoaded(hub.loadUserId(caller), (me) => {
      if (me === undefined) throw new ChatError('chats_not_found');
      return mapLoaded(hub.store.roomsOf(me, hub.caches), (found, position) => {
        const { rooms } = found;
        if (rooms.length === 0) throw new ChatError('chats_not_found');
        admitRows(caller, rooms.length);
        hub.caches.add(found, position);
        const page = [...rooms].sort(byNewestMessage).slice(offset, offset + limit);
        return `{"rooms":[${page.map((room) => roomJson(hub, room, me)).join(',')}]}`;
      });
    });
  },
};

/** Newest message first; those without one after them, newest first. */
function byNewestMessage(a: Room, b: Room): number {
  return (b.newest?.id ?? 0) - (a.newest?.id ?? 0) || b.chat.id - a.chat.id;
}

function roomJson(hub: Hub, { chat, newest }: Room, me: number): string {
  const name = chat.pair ? hub.caches.nameJson(otherOf(chat.pair, me)) : JSON.stringify(chat.name);
  return `{"id":${chat.id},"name":${name},"type":"${chat.type}","last_message":${lastMessage(hub, newest)}}`;
}

function lastMessage(hub: Hub, message: Message | undefined): string {
  return message === undefined ? 'null' : messageJson(message, hub.caches.nameJson(message.authorId));
}
