import { HISTORY_MESSAGES_MAX } from '../../api/frames.js';
import { ChatError } from '../../chat/errors.js';
import { parseCursor, parseOpaqueCursor } from '../../chat/ids.js';
import type { View } from '../../chat/messages.js';
import type { Exchange } from '../http/exchange.js';
import { badParameter, countParameter, parameter } from '../http/query.js';
import type { Start } from '../hub/sockets.js';

/** 16 bytes in base64. The engine takes any 24 characters, and the first key of several. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
/** Where a socket begins unless it asks for something else. Most do not, so all share this one. */
const NEWEST = { limit: 100, offset: 0 } as const satisfies Start;

/** The checks of an upgrade that the engine leaves to us (RFC 6455, 4.2.1). Undefined: the request passes. */
export function handshakeProblem(exchange: Exchange): 'bad_request' | 'upgrade_required' | undefined {
  const connection = exchange
    .header('connection')
    .toLowerCase()
    .split(/\s*,\s*/);
  if (
    exchange.header('upgrade').toLowerCase() !== 'websocket' ||
    !connection.includes('upgrade') ||
    !KEY.test(exchange.header('sec-websocket-key'))
  ) {
    return 'bad_request';
  }
  return exchange.header('sec-websocket-version') === '13' ? undefined : 'upgrade_required';
}

/** Where a socket begins, by the query string of its upgrade. Errors: invalid_query, after_unknown. */
export function startOf(queryString: string): Start {
  if (queryString === '') return NEWEST;
  const query = new URLSearchParams(queryString);
  const after = parameter(query, 'after');
  const limit = countParameter(query, 'limit');
  const offset = countParameter(query, 'offset');
  if (after === undefined)
    return { ...NEWEST, ...(limit !== undefined && { limit }), ...(offset !== undefined && { offset }) };
  if (limit !== undefined || offset !== undefined) {
    throw badParameter('after', 'does not go together with limit or offset');
  }
  const cursor = parseOpaqueCursor(after) ?? parseCursor(after);
  if (cursor === undefined) throw new ChatError('after_unknown', { details: { parameter: 'after' } });
  return { after: cursor.id, time: cursor.time };
}

/** How much a socket is told, by the query string of its upgrade: `features=1` asks for changes. Errors: invalid_query. */
export function viewOf(queryString: string): View {
  if (queryString === '') return 'plain';
  const features = parameter(new URLSearchParams(queryString), 'features');
  if (features !== undefined && features !== '0' && features !== '1')
    throw badParameter('features', 'must be 0 or 1');
  return features === '1' ? 'full' : 'plain';
}

/** How many more messages than the usual page a chat's socket asks for. */
export function extraMessages(start: Start): number {
  return 'limit' in start ? Math.min(start.limit, HISTORY_MESSAGES_MAX) - NEWEST.limit : 0;
}
