import { describe, expect, it } from 'vitest';
import {
  authorName,
  duplicateJson,
  errorJson,
  historyJson,
  isoTime,
  lastMessageJson,
  messageJson,
  typingJson,
} from '../../src/api/encode.js';
import { frameReader, parseFrame } from '../../src/api/parse-frame.js';
import { ChatError } from '../../src/chat/errors.js';
import { encode, lineReader, type ToWorker } from '../../src/link/protocol.js';
import { parseHint, parseTyping } from '../../src/link/redis/channels.js';
import { readJson } from '../fuzz/json-model.js';
import { anyString, fc, pieces } from './property.js';

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const time = fc.oneof(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), fc.nat(86_400_000));
const clientId = fc.option(anyString);
const kind = fc.constant('message' as const);
const message = fc.record({ kind, id, chatId: id, authorId: id, text: anyString, time, clientId });

describe('frames', () => {
  it('are what JSON.stringify makes of the same', () => {
    fc.assert(
      fc.property(message, anyString, (said, name) => {
        const base = { id: said.id, chat_id: said.chatId };
        const rest = {
          text: said.text,
          author: { id: said.authorId, name },
          time: new Date(said.time).toISOString(),
          ...(said.clientId !== null && { client_id: said.clientId }),
        };
        const whole = { ...base, type: 'message', ...rest };
        const author = authorName(name);
        expect(messageJson(said, author)).toBe(JSON.stringify(whole));
        expect(duplicateJson(said, author)).toBe(JSON.stringify({ ...whole, duplicate: true }));
        const last = { ...base, type: 'last_message', ...rest, chat_type: 'group' };
        expect(lastMessageJson(said, author, 'group')).toBe(JSON.stringify(last));
        const typing = { type: 'typing', chat_id: said.chatId, author: { id: said.authorId, name } };
        expect(typingJson(said.chatId, said.authorId, author, true)).toBe(JSON.stringify(typing));
        const json = messageJson(said, author);
        const history = { type: 'history', messages: [whole, whole], more: true };
        expect(historyJson([json, json], true)).toBe(JSON.stringify(history));
        const refused = JSON.parse(errorJson(new ChatError('invalid_frame'), said.text));
        expect(refused).toMatchObject({ type: 'error', code: 'invalid_frame', client_id: said.text });
      }),
    );
  });

  it('have times as Date writes them, in whatever order they are asked for', () => {
    fc.assert(
      fc.property(time, (ms) => isoTime(ms) === new Date(ms).toISOString()),
      { numRuns: 5000 },
    );
  });

  it('of clients are read as the JSON that they are, and texts come through as they were', () => {
    const read = frameReader(100_000);
    fc.assert(
      fc.property(
        anyString,
        fc.option(anyString, { nil: undefined }),
        fc.boolean(),
        (text, client, spaced) => {
          const frame = { type: 'message', text, ...(client !== undefined && { client_id: client }) };
          const json = JSON.stringify(frame, undefined, spaced ? 1 : 0);
          expect(parseFrame(json)).toEqual(frame);
          try {
            expect(read(parseFrame(json))).toEqual(frame);
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid_field' });
          }
        },
      ),
    );
  });

  it('are refused exactly when they are no JSON, no object, too deep, or have a key twice', () => {
    const key = fc.constantFrom('"a"', '"b"', '"\\u0061"', '"__proto__"', '"a\\"b"');
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom('1', '"{"', '"\\\\"', '"a\\"}"', 'null', 'x', ''),
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('any'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
      object: fc
        .array(fc.tuple(key, tie('any')), { maxLength: 4 })
        .map((fields) => `{${fields.map(([name, item]) => `${name}: ${item}`).join(',')}}`),
    }));
    const deep = fc
      .tuple(fc.integer({ min: 28, max: 36 }), value.object)
      .map(([depth, inner]) => `{"a":${'['.repeat(depth)}${inner}${']'.repeat(depth)}}`);
    fc.assert(
      fc.property(fc.oneof(value.object, value.any, deep) as fc.Arbitrary<string>, (json) => {
        const read = readJson(json)?.value;
        const isGood = typeof read === 'object' && read !== null && !Array.isArray(read);
        if (isGood) expect(parseFrame(json)).toEqual(read);
        else expect(() => parseFrame(json)).toThrow(expect.objectContaining({ code: 'invalid_frame' }));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('what comes in pieces', () => {
  it('is the same lines, wherever the pieces end', () => {
    const line = fc.record({ type: fc.constant('newest' as const), id }).map((one): ToWorker => one);
    const lines = fc.array(line).chain((all) => fc.tuple(fc.constant(all), pieces(all.map(encode).join(''))));
    fc.assert(
      fc.property(lines, ([all, chunks]) => {
        const seen: ToWorker[] = [];
        const read = lineReader<ToWorker>((one) => seen.push(one));
        for (const chunk of chunks) read(chunk);
        expect(seen).toEqual(all);
      }),
    );
  });
});

describe('what anybody may publish', () => {
  it('is a number, a signal, or nothing', () => {
    const payload = fc
      .oneof(anyString, fc.json(), fc.maxSafeInteger().map(String))
      .map((text) => Buffer.from(text));
    fc.assert(
      fc.property(fc.oneof(payload, fc.anything()), (value) => {
        const hint = parseHint(value);
        if (hint !== undefined)
          expect(Number.isSafeInteger(hint) && hint >= 0 && BigInt(String(value)) === BigInt(hint)).toBe(
            true,
          );
        const typing = parseTyping(value);
        if (typing !== undefined) expect(JSON.parse(String(value))).toEqual(typing);
      }),
    );
    const signal = fc.record({
      chatId: id,
      userId: id,
      on: fc.boolean(),
      worker: fc.uuid(),
      sequence: fc.nat(),
      position: fc.nat(),
    });
    fc.assert(
      fc.property(signal, (typing) => {
        expect(parseTyping(Buffer.from(JSON.stringify(typing)))).toEqual(typing);
      }),
    );
  });
});
