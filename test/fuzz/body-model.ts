import { isUtf8 } from 'node:buffer';
import type { Cast, Created } from './bodies.js';
import { field, isObject, isText, readJson, showsNothing } from './json-model.js';

/** What a body is to create, when it is valid. */
export interface Creation {
  readonly of: Created;
  readonly name: string;
  readonly username: string;
  readonly description: string;
  readonly members: number;
}

/** What the bytes of a JSON body ask for (a mark of the byte order before it is ignored: RFC 8259, 8.1); undefined when they are to be refused. */
export function creationOf(of: Created, bytes: Buffer, cast: Cast): Creation | undefined {
  const read = isUtf8(bytes) ? readJson(bytes.toString().replace(/^\ufeff/, '')) : undefined;
  if (read === undefined || !isObject(read.value)) return undefined;
  const name = line(field(read.value, 'name'), 128);
  const username = of === 'user' ? line(field(read.value, 'username'), 64) : '';
  const description = field(read.value, 'description') ?? '';
  // A field that is there and null is none that is absent.
  if (Object.hasOwn(read.value, 'description') && field(read.value, 'description') === null) return undefined;
  if (!isText(description, 0, 1024) || hasControl(description, '\n\r\t')) return undefined;
  const members = of === 'user' ? 0 : membersOf(read.value, cast);
  if (name === undefined || username === undefined || members === undefined) return undefined;
  return { of, name, username, description, members };
}

function line(value: unknown, max: number): string | undefined {
  if (typeof value !== 'string' || !value.isWellFormed()) return undefined;
  const trimmed = value.trim();
  if (!isText(trimmed, 1, max) || hasControl(trimmed, '') || showsNothing(trimmed)) return undefined;
  return /[\u202d\u202e]/.test(trimmed) ? undefined : trimmed;
}

function isOneOf(count: number, id: unknown): boolean {
  return typeof id === 'number' && Number.isInteger(id) && id >= 1 && id <= count;
}

/** Control characters are U+0000 to U+001F and U+007F to U+009F. */
function hasControl(text: string, allowed: string): boolean {
  return text
    .split('')
    .some((one) => (one < ' ' || (one >= '\x7f' && one <= '\x9f')) && !allowed.includes(one));
}

function membersOf(value: Readonly<Record<string, unknown>>, cast: Cast): number | undefined {
  const clientId = field(value, 'client_id');
  if (clientId !== undefined && !isText(clientId, 1, 64)) return undefined;
  const users = Object.hasOwn(value, 'users') ? value['users'] : [];
  if (!Array.isArray(users)) return undefined;
  const ids = users.map((user: unknown) => (isObject(user) ? field(user, 'id') : undefined));
  if (!ids.every((id) => id === cast.owner || isOneOf(cast.users, id))) return undefined;
  return new Set([cast.owner, ...ids]).size;
}
