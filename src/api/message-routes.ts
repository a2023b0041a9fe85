import { editFrame, messageFrame } from './frames.js';
import { BASE, type Operation } from './operation.js';
import {
  AnyMessage,
  MessagePosted,
  MessageShown,
  MessagesAt,
  Ok,
  ReactionsChanged,
  Reactors,
} from './responses.js';

const POST_ERRORS = [
  'profile_required',
  'message_not_found',
  'reply_unknown',
  'not_a_member',
  'not_owner',
] as const;

/** The endpoints for messages. The setting TEXT_CHARACTERS_MAX bounds their texts. */
export function messageRoutes(textCharactersMax: number) {
  const newMessage = messageFrame(textCharactersMax).omit({ type: true });
  const newText = editFrame(textCharactersMax).omit({ type: true, message_id: true });

  return {
    postChatMessage: {
      method: 'POST',
      path: `${BASE}/chat/{id}/message`,
      summary: 'Post a message to a private chat of the caller',
      body: newMessage,
      response: MessagePosted,
      errors: ['chat_not_found', ...POST_ERRORS],
    },
    postGroupMessage: {
      method: 'POST',
      path: `${BASE}/group/{id}/message`,
      summary: 'Post a message to a group of the caller',
      body: newMessage,
      response: MessagePosted,
      errors: ['group_not_found', ...POST_ERRORS],
    },
    getChatMessages: {
      method: 'GET',
      path: `${BASE}/chat/{id}/messages`,
      summary: 'Messages of a private chat: the newest, or those at an id',
      placed: true,
      response: MessagesAt,
      errors: ['chat_not_found'],
    },
    getGroupMessages: {
      method: 'GET',
      path: `${BASE}/group/{id}/messages`,
      summary: 'Messages of a group: the newest, or those at an id',
      placed: true,
      response: MessagesAt,
      errors: ['group_not_found'],
    },
    getMessage: {
      method: 'GET',
      path: `${BASE}/message/{id}`,
      summary: 'A message of a chat or group of the caller',
      response: AnyMessage,
      errors: ['message_not_found'],
    },
    editMessage: {
      method: 'PATCH',
      path: `${BASE}/message/{id}`,
      summary: 'Give a message of the caller another text',
      body: newText,
      response: MessageShown,
      errors: ['profile_required', 'message_not_found', 'not_author', 'edit_too_late'],
    },
    deleteMessage: {
      method: 'DELETE',
      path: `${BASE}/message/{id}`,
      summary: 'Delete a message, for its author and the owner of its group',
      response: Ok,
      errors: ['profile_required', 'message_not_found', 'not_author'],
    },
    addReaction: {
      method: 'PUT',
      path: `${BASE}/message/{id}/reaction/{emoji}`,
      summary: 'React to a message',
      response: ReactionsChanged,
      errors: ['profile_required', 'message_not_found', 'too_many_reactions'],
    },
    removeReaction: {
      method: 'DELETE',
      path: `${BASE}/message/{id}/reaction/{emoji}`,
      summary: 'Take a reaction back',
      response: ReactionsChanged,
      errors: ['profile_required', 'message_not_found'],
    },
    getReactors: {
      method: 'GET',
      path: `${BASE}/message/{id}/reaction/{emoji}`,
      summary: 'Who reacted to a message with an emoji',
      paged: true,
      response: Reactors,
      errors: ['message_not_found'],
    },
  } as const satisfies Record<string, Operation>;
}
