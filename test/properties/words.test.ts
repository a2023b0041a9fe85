import { describe, expect, it } from 'vitest';
import { Id, parseCount, parseId } from '../../src/chat/ids.js';
import { ClientId, line, paragraph, utterance } from '../../src/chat/text.js';
import { usernameKey } from '../../src/chat/username-key.js';
import { callerOf, claimOf } from '../../src/chat/users.js';
import { isVisible, isVisibleAlone } from '../../src/chat/visible-text.js';
import { readConfig } from '../../src/config.js';
import { countParameter } from '../../src/server/http/query.js';
import { anyString, fc } from './property.js';

const digits = fc.string({
  unit: fc.constantFrom('0', '1', '9', '-', '+', '.', 'e', ' ', 'a', '١'),
  maxLength: 20,
});
const MAX = BigInt(Number.MAX_SAFE_INTEGER);

describe('ids', () => {
  it('of every id are read back, and no other text is one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (id) => parseId(String(id)) === id),
    );
    fc.assert(
      fc.property(
        fc.oneof(digits, anyString, fc.bigInt({ min: 0n, max: 10n ** 18n }).map(String)),
        (text) => {
          const isId =
            [...text].every((one) => one >= '0' && one <= '9') &&
            text !== '' &&
            text[0] !== '0' &&
            BigInt(text) <= MAX;
          expect(parseId(text)).toBe(isId ? Number(text) : undefined);
        },
      ),
    );
  });

  it('in JSON are numbers, and only those that are ids in a path too', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.maxSafeInteger(), fc.jsonValue()), (value) => {
        const isId = typeof value === 'number' && parseId(String(value)) === value;
        expect(Id.safeParse(value).success).toBe(isId);
      }),
    );
  });

  it('of callers: a claim is one user id, one subject, or nobody', () => {
    fc.assert(
      fc.property(fc.oneof(digits, anyString, fc.maxSafeInteger(), fc.double(), fc.jsonValue()), (claim) => {
        const caller = callerOf(claim);
        if (typeof claim === 'string') {
          const named = claim !== '' && claim.isWellFormed() && [...claim].length <= 255;
          const id = parseId(claim);
          if (id !== undefined && id < 1e12) expect(caller).toEqual({ id });
          else expect(caller).toEqual(named ? { subject: claim } : undefined);
        } else {
          const id = typeof claim === 'number' ? parseId(String(claim)) : undefined;
          expect(caller).toEqual(id !== undefined && id < 1e12 ? { id } : undefined);
        }
        if (caller !== undefined) expect(callerOf(claimOf(caller))).toEqual(caller);
      }),
    );
  });
});

describe('counts', () => {
  it('are digits and nothing else, and never more than a safe integer', () => {
    fc.assert(
      fc.property(fc.oneof(digits, anyString), (text) => {
        const isCount = text !== '' && [...text].every((one) => '0123456789'.includes(one));
        const count = isCount ? Math.min(Number(text), Number.MAX_SAFE_INTEGER) : undefined;
        expect(parseCount(text)).toBe(count);
        const asked = () => countParameter(new URLSearchParams({ x: text, y: '1' }), 'x');
        if (count === undefined) expect(asked).toThrow(expect.objectContaining({ code: 'invalid_query' }));
        else expect(asked()).toBe(count);
        const twice = () => countParameter(new URLSearchParams(`x=${count ?? 1}&y=2&x=1`), 'x');
        expect(twice).toThrow(expect.objectContaining({ code: 'invalid_query' }));
      }),
    );
  });
});

describe('texts', () => {
  const isHalf = (one: string) => one.length === 1 && one >= '\ud800' && one <= '\udfff';
  const isControl = (one: string) => one <= '\x1f' || (one >= '\x7f' && one <= '\x9f');
  const near = (max: number) =>
    fc.oneof(
      anyString,
      fc
        .tuple(
          fc.constantFrom('a', '😀', ' ', '\n', 'é'),
          fc.integer({ min: max - 2, max: max + 2 }),
          anyString,
        )
        .map(([one, count, more]) => one.repeat(count) + (count % 2 === 0 ? '' : more)),
    );

  it('that people say are kept as they are, or refused', () => {
    fc.assert(
      fc.property(near(50), (text) => {
        const all = [...text];
        const isGood =
          all.length >= 1 &&
          all.length <= 50 &&
          isVisible(text) &&
          !all.some((one) => isHalf(one) || one === '\0');
        expect(utterance(50).safeParse(text)).toMatchObject(
          isGood ? { success: true, data: text } : { success: false },
        );
        const isName = all.length >= 1 && all.length <= 64 && !all.some((one) => isHalf(one) || one === '\0');
        expect(ClientId.safeParse(text).success).toBe(isName);
      }),
    );
  });

  it('of one line are trimmed, and have no control characters; of several, only those of lines', () => {
    fc.assert(
      fc.property(near(50), (text) => {
        const trimmed = text.trim();
        const all = [...trimmed];
        const isLine =
          all.length >= 1 &&
          all.length <= 50 &&
          ![...text].some(isHalf) &&
          !all.some(isControl) &&
          !all.some((one) => one === '\u202d' || one === '\u202e') &&
          isVisibleAlone(text);
        expect(line(50).safeParse(text)).toMatchObject(
          isLine ? { success: true, data: trimmed } : { success: false },
        );
        const isText =
          [...text].length <= 50 &&
          ![...text].some((one) => isHalf(one) || (isControl(one) && !'\n\r\t'.includes(one)));
        expect(paragraph(50).safeParse(text)).toMatchObject(
          isText ? { success: true, data: text } : { success: false },
        );
      }),
    );
  });

  it('that are the same username stay it when they are made the same', () => {
    fc.assert(
      fc.property(anyString, (text) => {
        const key = usernameKey(text);
        for (const same of [
          key,
          text.normalize('NFD'),
          text.normalize('NFKC'),
          text.toLowerCase(),
          `${text}\u200b`,
        ])
          expect(usernameKey(same)).toBe(key);
      }),
    );
  });
});

describe('REDIS_URL', () => {
  const url = (REDIS_URL: string) => readConfig({ REDIS_URL }).redis?.url;

  it('keeps user, password, host, port and database, whatever is in them', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .filter((text) => text.isWellFormed());
    fc.assert(
      fc.property(
        name,
        name,
        fc.constantFrom('a.example', '127.0.0.1', '[::1]'),
        fc.integer({ min: 1, max: 65_535 }),
        fc.nat(15),
        (user, password, host, port, db) => {
          const read = new URL(
            url(
              `redis://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}:${port}/${db}`,
            ) ?? '',
          );
          expect([decodeURIComponent(read.username), decodeURIComponent(read.password)]).toEqual([
            user,
            password,
          ]);
          expect([read.hostname, read.port, read.pathname]).toEqual([host, String(port), `/${db}`]);
        },
      ),
    );
  });

  it('is one of a Redis, or an error that names the setting, and never anything else', () => {
    const scheme = fc.constantFrom('redis:', 'rediss:', 'http:', 'REDIS:', 'redis', '');
    const part = fc.constantFrom(
      '//',
      '/',
      'h',
      ':',
      '@',
      '%',
      '%41',
      '0',
      '99999999999',
      '?',
      '#',
      ' ',
      'é',
      'a:b@',
    );
    fc.assert(
      fc.property(scheme, fc.array(part, { maxLength: 6 }), (start, parts) => {
        let read: string | undefined;
        try {
          read = url(start + parts.join(''));
        } catch (error) {
          expect(String(error)).toContain('REDIS_URL');
          return;
        }
        if (start + parts.join('') === '') expect(read).toBeUndefined();
        else expect(read).toMatch(/^rediss?:\/\/(?:[^/@?#]*@)?[^/@?#]+(?:\/\d{0,9})?$/);
      }),
    );
  });
});
