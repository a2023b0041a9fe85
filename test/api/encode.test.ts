import { describe, expect, it } from 'vitest';
import {
  authorName,
  changedMessageJson,
  changeJson,
  duplicateJson,
  historyJson,
  lastMessageJson,
  madeBeforeJson,
  messageJson,
  withReactions,
} from '../../src/api/encode.js';
import { ChatServerFrame, HistoryEntry } from '../../src/api/frames.js';
import { MainServerFrame } from '../../src/api/main-frames.js';
import type { ChangedMessage, MessageChange } from '../../src/chat/entries.js';
import type { Message, MessageExtra } from '../../src/chat/messages.js';
import { anyString, fc } from '../properties/property.js';

const everyAscii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

describe('the frame of a message', () => {
  it.each([
    ['nothing to escape', ['hello', ' ', 'a'.repeat(8192), everyAscii.slice(0x20, 0x22).join('')]],
    ['any character of ASCII, alone, first and last', everyAscii.flatMap((c) => [c, `${c}x`, `x${c}`])],
    ['all of ASCII', [everyAscii.join('')]],
    ['other letters', ['Привет', 'ünï', '日本', '\u2028', '\u00a0', '\ufeff', 'é"', 'e\u0301']],
    ['emoji, whole and in halves', ['👋', '\ud83d', '\udc4b', 'a\ud83d', '\udc4b\ud83d']],
  ])('is what JSON.stringify makes of it, with %s', (_what, texts) => {
    for (const text of texts) {
      const said = { kind: 'message', id: 7, chatId: 3, authorId: 5 } as const;
      const message = { ...said, text, time: 1_700_000_000_123, clientId: text };
      const expected = {
        id: 7,
        chat_id: 3,
        type: 'message',
        text,
        author: { id: 5, name: text },
        time: '2023-11-14T22:13:20.123Z',
        client_id: text,
      };
      expect(messageJson(message, authorName(text))).toBe(JSON.stringify(expected));
    }
  });
});

// Texts and names as the server takes them. What is no text of a message is refused long before it is encoded.
const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).map((text) => `a${text}`);
const name = fc.constantFrom('Alice', 'Bob "the builder"', 'Ünï 😀', '\\');
const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const time = fc.integer({ min: 0, max: 4_102_444_800_000 });
const clientId = fc.option(words);
const emoji = fc.constantFrom('👍', '❤️', '👩‍👩‍👧', '🇩🇪', '1️⃣');
const reactions = fc.uniqueArray(fc.record({ emoji, count: fc.integer({ min: 1, max: 10_000 }) }), {
  selector: (reaction) => reaction.emoji,
});
const quote = fc.option(fc.record({ authorId: id, authorName: name, text: words }), { nil: undefined });
const edited = fc.record({ version: fc.integer({ min: 2, max: 9999 }), editedAt: time });
const mentions = fc.uniqueArray(fc.oneof(id, fc.constant('all' as const)), { minLength: 1, maxLength: 50 });
const extra: fc.Arbitrary<MessageExtra | undefined> = fc.option(
  fc
    .tuple(
      fc.record({ replyTo: id, mentions, reactions, changeId: id }, { requiredKeys: [] }),
      fc.option(edited, { nil: undefined }),
    )
    .map(([some, edit]) => ({ ...some, ...edit })),
  { nil: undefined },
);
const said = fc.record({ id, chatId: id, authorId: id, text: words, time, clientId });
const message: fc.Arbitrary<Message> = fc
  .tuple(said, extra)
  .map(([base, more]) => ({ kind: 'message', ...base, ...(more !== undefined && { extra: more }) }));
const deleted: fc.Arbitrary<Message> = message.map((was) => {
  return { ...was, text: '', extra: { deletedAt: was.time, deletedBy: 1, changeId: 2 } };
});
const change: fc.Arbitrary<MessageChange> = fc
  .tuple(fc.record({ id, chatId: id, authorId: id, messageId: id, time, clientId }), words, edited, emoji)
  .chain(([base, text, { version }, of]) =>
    fc.constantFrom<MessageChange>(
      { kind: 'message_edited', ...base, text, version },
      { kind: 'message_deleted', ...base },
      { kind: 'reaction_changed', ...base, emoji: of, isOn: version % 2 === 0, count: version },
    ),
  );
const isOwn = (of: string) => of === '👍';

describe('every frame of a message and its changes', () => {
  it('is one that the contract has, live and as an answer', () => {
    fc.assert(
      fc.property(message, deleted, name, quote, reactions, (one, gone, author, quoted, all) => {
        const json = messageJson(one, authorName(author), quoted);
        const parsed = ChatServerFrame.parse(JSON.parse(json));
        expect(parsed).toEqual(JSON.parse(json)); // Nothing is coerced or left out.
        expect(parsed).toMatchObject({ id: one.id, text: one.text, author: { name: author } });
        ChatServerFrame.parse(JSON.parse(duplicateJson(one, authorName(author), quoted)));
        HistoryEntry.parse(JSON.parse(all.length > 0 ? withReactions(json, all, isOwn) : json));
        MainServerFrame.parse(JSON.parse(lastMessageJson(one, authorName(author), 'group')));
        const tombstone = ChatServerFrame.parse(JSON.parse(messageJson(gone, authorName(author), quoted)));
        expect(Object.keys(tombstone)).not.toContain('text');
      }),
    );
  });

  it('of a change is one that the contract has, live and as an answer', () => {
    fc.assert(
      fc.property(change, name, (one, author) => {
        const json = changeJson(one, authorName(author));
        const { id: changeId, messageId, chatId, authorId } = one;
        expect(ChatServerFrame.parse(JSON.parse(json))).toMatchObject({
          ...{ id: changeId, message_id: messageId, chat_id: chatId, author: { id: authorId, name: author } },
        });
        expect(ChatServerFrame.parse(JSON.parse(madeBeforeJson(json)))).toMatchObject({ duplicate: true });
      }),
    );
  });

  it('of before, as it is now, has the id and the time of its newest change', () => {
    fc.assert(
      fc.property(fc.oneof(message, deleted), id, time, id, name, (one, changeId, at, by, author) => {
        const { chatId } = one;
        const changed: ChangedMessage = {
          ...{ kind: 'message_changed', id: changeId, chatId, authorId: by, time: at, message: one },
        };
        const json = changedMessageJson(changed, () => authorName(author));
        const all =
          one.extra?.deletedAt === undefined ? withReactions(json, one.extra?.reactions ?? [], isOwn) : json;
        const entry = HistoryEntry.parse(JSON.parse(all));
        expect(entry).toMatchObject({ id: changeId, message_id: one.id, time: new Date(at).toISOString() });
        ChatServerFrame.parse(entry);
        ChatServerFrame.parse(JSON.parse(historyJson([all], true)));
      }),
    );
  });

  it('keeps any text and any name as it is', () => {
    const plain = { kind: 'message', id: 1, chatId: 1, authorId: 1, time: 0 } as const;
    fc.assert(
      fc.property(anyString, (any) => {
        const whole = any.toWellFormed();
        const quoted = { authorId: 2, authorName: whole, text: whole };
        const one = { ...plain, text: whole, clientId: whole, extra: { replyTo: 1 } };
        expect(JSON.parse(messageJson(one, authorName(whole), quoted))).toMatchObject({
          text: whole,
          quote: { text: whole, author: { id: 2, name: whole } },
          client_id: whole,
        });
        const edit = {
          ...plain,
          kind: 'message_edited',
          messageId: 1,
          text: whole,
          version: 2,
          clientId: whole,
        };
        expect(JSON.parse(changeJson(edit as MessageChange, authorName(whole)))).toMatchObject({
          text: whole,
          author: { name: whole },
          client_id: whole,
        });
      }),
    );
  });
});
