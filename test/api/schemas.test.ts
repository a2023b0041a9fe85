import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as frames from '../../src/api/frames.js';
import { JSON_CONTAINERS_MAX } from '../../src/api/json.js';
import type { Operation } from '../../src/api/operation.js';
import { Details, Refusal } from '../../src/api/refusal.js';
import * as responses from '../../src/api/responses.js';
import { channels, routes } from '../../src/api/routes.js';
import { USERS_PER_LIST_MAX } from '../../src/chat/groups.js';
import { TEXT_CHARACTERS_MAX } from '../../src/chat/text.js';

type Json = Readonly<Record<string, unknown>>;

/** Everything that crosses the wire as JSON, by name. */
const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  ...only(frames),
  ...only(responses),
  Refusal,
  Details,
  'a message of a client': frames.messageFrame(TEXT_CHARACTERS_MAX),
  ...Object.fromEntries(
    channels.flatMap(({ path, sends, takes }) => [
      [`${path} sends`, sends],
      [`${path} takes`, takes],
    ]),
  ),
  ...Object.fromEntries(Object.entries<Operation>(routes).flatMap(([name, route]) => schemasOf(name, route))),
};

function only(module: Readonly<Record<string, unknown>>): Record<string, z.ZodType> {
  return Object.fromEntries(
    Object.entries(module).filter((entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType),
  );
}

function schemasOf(name: string, { body, response, refusals = {} }: Operation): [string, z.ZodType][] {
  const named: [string, z.ZodType | undefined][] = [
    [`${name} body`, body],
    [`${name} response`, response],
    ...Object.entries(refusals).map(([code, { schema }]): [string, z.ZodType] => [`${name} ${code}`, schema]),
  ];
  return named.filter((entry): entry is [string, z.ZodType] => entry[1] !== undefined);
}

/** Lists that have no bound but a setting that may be off, the caller's chats, or what the caller sent. */
const UNBOUNDED = ['rooms', 'chats', 'users', 'details.users'];

/** The paths of strings, numbers and lists without a bound. */
function unboundedIn(schema: Json, path: readonly string[] = []): string[] {
  const found: string[] = [];
  const name = path.join('.');
  const {
    type,
    properties = {},
    items,
    anyOf = [],
    oneOf = [],
  } = schema as {
    type?: string;
    properties?: Readonly<Record<string, Json>>;
    items?: Json;
    anyOf?: Json[];
    oneOf?: Json[];
  };
  const has = (...keys: string[]) => keys.some((key) => schema[key] !== undefined);
  if (type === 'string' && !has('maxLength', 'pattern', 'enum', 'const')) found.push(name);
  if (type === 'integer' && !(has('minimum') && has('maximum'))) found.push(name);
  if (type === 'number') found.push(`${name} is no integer`);
  if (type === 'array' && !has('maxItems')) found.push(name);
  for (const [key, field] of Object.entries(properties)) found.push(...unboundedIn(field, [...path, key]));
  if (items !== undefined) found.push(...unboundedIn(items, path));
  for (const one of [...anyOf, ...oneOf]) found.push(...unboundedIn(one, path));
  return found;
}

const jsonSchema = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input', reused: 'inline' }) as Json;

describe('the JSON Schema of everything on the wire', () => {
  it.each(Object.entries(SCHEMAS))('is made of %s, and shows its bounds', (_name, schema) => {
    const unbounded = unboundedIn(jsonSchema(schema)).filter(
      (path) => !UNBOUNDED.some((end) => path === end || path.endsWith(`.${end}`)),
    );
    expect(unbounded).toEqual([]);
  });

  it('has the lengths and numbers of the contract', () => {
    const { properties } = jsonSchema(routes.createGroup.body) as { properties: Record<string, Json> };
    expect(properties).toMatchObject({
      name: { type: 'string', minLength: 1, maxLength: 128 },
      description: { type: 'string', maxLength: 1024, default: '' },
      client_id: { type: 'string', minLength: 1, maxLength: 64 },
      users: {
        type: 'array',
        maxItems: USERS_PER_LIST_MAX,
        items: {
          type: 'object',
          properties: { id: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER } },
          required: ['id'],
        },
      },
    });
    expect(jsonSchema(routes.createUser.body)).toMatchObject({
      properties: { username: { minLength: 1, maxLength: 64 } },
      required: ['username', 'name'],
    });
    expect(jsonSchema(routes.addMembers.body)).toMatchObject({ properties: { users: { minItems: 1 } } });
    expect(jsonSchema(frames.messageFrame(4096))).toMatchObject({
      properties: { text: { minLength: 1, maxLength: 4096, pattern: '\\S' } },
      required: ['type', 'text'],
    });
    expect(jsonSchema(responses.ChatInfo)).toMatchObject({
      properties: { users: { minItems: 2, maxItems: 2 } },
    });
  });

  it('says of what the server sends that there is nothing else in it', () => {
    expect(jsonSchema(responses.UserView)).toMatchObject({ additionalProperties: false });
    expect(jsonSchema(frames.DuplicateFrame)).toMatchObject({ additionalProperties: false });
  });
});

describe('the bounds that stand in several places', () => {
  it('are the same: the users of a list are the objects that a body may have beside two', () => {
    expect(USERS_PER_LIST_MAX).toBe(JSON_CONTAINERS_MAX - 2);
  });
});
