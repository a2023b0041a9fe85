import { chatHistoryJson } from '../../api/encode-main.js';
import { HISTORY_BYTES_MAX, HISTORY_MESSAGES_MAX } from '../../api/frames.js';
import type { HistoryRequest } from '../../api/main-frames.js';
import { ChatError } from '../../chat/errors.js';
import type { Caller } from '../../chat/users.js';
import type { MaybePromise } from '../../maybe-promise.js';
import type { Place } from '../../store/read-store.js';
import type { Hub } from '../hub/hub.js';
import { encodePlaced, NEWEST, PLACED_MESSAGES } from '../hub/placed-page.js';
import type { MainSocket } from '../hub/sockets.js';
import type { Admission } from '../limits/admission.js';

/**
 * Answers what a main socket asks of a chat's history. It counts as a request, and its client looks at the chat from then on.
 * Errors: rate_limited, chat_not_found; those of the store.
 */
export function answerHistory(
  { hub, admission }: { readonly hub: Hub; readonly admission: Admission },
  socket: MainSocket,
  caller: Caller,
  request: HistoryRequest,
): MaybePromise<void> {
  const { chat_id: chatId, limit = PLACED_MESSAGES, client_id: clientId } = request;
  const bounds = { max: Math.min(limit, HISTORY_MESSAGES_MAX), maxBytes: HISTORY_BYTES_MAX };
  admission.admitRequest(caller);
  admission.admitRows(caller, bounds.max);
  const { store, caches, follower, audiences } = hub;
  return follower.read(
    () => store.messagesAt(chatId, socket.userId, placeOf(request), bounds, caches),
    (page) => {
      if (page === undefined) throw new ChatError('chat_not_found');
      caches.add({ users: page.users }, follower.position);
      audiences.watch(socket, chatId);
      socket.send(chatHistoryJson(chatId, encodePlaced(page, caches), clientId));
    },
  );
}

function placeOf({ before, after, around }: HistoryRequest): Place {
  if (before !== undefined) return { side: 'before', id: before };
  if (after !== undefined) return { side: 'after', id: after };
  return around === undefined ? NEWEST : { side: 'around', id: around };
}
