import { messageJson } from '../../../api/encode.js';
import { roomJson } from '../../../api/encode-main.js';
import { type ChatType, chatNotFound, otherOf } from '../../../chat/chats.js';
import { ChatError } from '../../../chat/errors.js';
import type { Message } from '../../../chat/messages.js';
import { chainLoaded, mapLoaded } from '../../../store/loading.js';
import type { Loaded, Room, RoomList } from '../../../store/read-store.js';
import type { Hub } from '../../hub/hub.js';
import { actorOf, type Endpoints, type Reply, type Request, type Services } from './endpoint.js';

type ChatRoute =
  | 'openChat'
  | 'getChatInfo'
  | 'listChats'
  | 'readChat'
  | 'getChatReaders'
  | 'readGroup'
  | 'getGroupReaders';

export const chatEndpoints: Endpoints<ChatRoute> = {
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

  listChats({ caller, offset = 0, limit = Number.MAX_SAFE_INTEGER }, { hub, admission }) {
    return chainLoaded(hub.loadUserId(caller), (me) => {
      if (me === undefined) throw new ChatError('chats_not_found');
      // What is unread is counted for the page alone, and after it is admitted.
      const page = (rooms: readonly Room[]) => {
        if (rooms.length === 0) throw new ChatError('chats_not_found');
        admission.admitRows(caller, rooms.length);
        return [...rooms].sort(byNewestMessage).slice(offset, offset + limit);
      };
      return mapLoaded(hub.store.listOf(me, hub.caches, page), (found, position) => {
        hub.caches.add(found, position);
        return `{"rooms":[${found.rooms.map((room) => roomOf(hub, room, me)).join(',')}]}`;
      });
    });
  },

  readChat: (request, services) => read('private', request, services),
  readGroup: (request, services) => read('group', request, services),
  getChatReaders: (request, services) => readers('private', request, services),
  getGroupReaders: (request, services) => readers('group', request, services),
};

async function read(
  type: ChatType,
  request: Request<'readChat' | 'readGroup'>,
  services: Services,
): Promise<Reply> {
  const actor = await actorOf(request, services);
  const { id: chatId, body } = request;
  const { readId } = await services.submit('mark_read', { actor, chatId, type, id: body.id });
  return { status: 'ok', read_id: readId };
}

/** In groups that are so large that nobody is told who has read, the caller alone is listed. */
function readers(
  type: ChatType,
  { caller, id: chatId }: Request<'getChatReaders' | 'getGroupReaders'>,
  { hub, admission, typingMembersMax }: Services,
): Loaded<Reply> {
  return chainLoaded(hub.loadUserId(caller), (me = 0) =>
    chainLoaded(hub.loadChat(me, chatId, type), ({ membersCount }) => {
      const withOthers = type === 'private' || typingMembersMax === 0 || membersCount <= typingMembersMax;
      return mapLoaded(hub.store.readersFor(chatId, me, withOthers), (found) => {
        if (found === undefined) throw chatNotFound(type);
        admission.admitRows(caller, found.length);
        return { users: found.map(({ id, name, readId }) => ({ id, name, read_id: readId })) };
      });
    }),
  );
}

/** Newest message first; those without one after them, newest first. */
function byNewestMessage(a: Room, b: Room): number {
  return (b.newest?.id ?? 0) - (a.newest?.id ?? 0) || b.chat.id - a.chat.id;
}

function roomOf(hub: Hub, { chat, newest, unread }: RoomList['rooms'][number], me: number): string {
  const name = chat.pair ? hub.caches.nameJson(otherOf(chat.pair, me)) : JSON.stringify(chat.name);
  return roomJson(chat, name, lastMessage(hub, newest), unread);
}

function lastMessage(hub: Hub, message: Message | undefined): string {
  return message === undefined ? 'null' : messageJson(message, hub.caches.nameJson(message.authorId));
}
