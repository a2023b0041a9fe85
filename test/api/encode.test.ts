import { describe, expect, it } from 'vitest';
import { authorName, messageJson } from '../../src/api/encode.js';

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
