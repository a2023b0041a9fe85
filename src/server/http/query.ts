import { ChatError } from '../../chat/errors.js';
import { parseCount } from '../../chat/ids.js';
import type { Place } from '../../store/read-store.js';

/** A parameter of a query string; undefined when it is absent. Errors: invalid_query when it comes twice. */
export function parameter(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name);
  if (values.length > 1) throw badParameter(name, 'must not come twice');
  return values[0];
}

/** A parameter that must be a non-negative integer; undefined when it is absent. Errors: invalid_query. */
export function countParameter(query: URLSearchParams, name: string): number | undefined {
  const text = parameter(query, name);
  if (text === undefined) return undefined;
  const count = parseCount(text);
  if (count === undefined) throw badParameter(name, 'must be a non-negative integer');
  return count;
}

/** A parameter that is `true` or `false`; undefined when it is absent. Errors: invalid_query. */
export function flagParameter(query: URLSearchParams, name: string): boolean | undefined {
  const text = parameter(query, name);
  if (text !== undefined && text !== 'true' && text !== 'false') {
    throw badParameter(name, 'must be true or false');
  }
  return text === undefined ? undefined : text === 'true';
}

/** The place of a page: one of `before`, `after` and `around`; undefined when all are absent. Errors: invalid_query. */
export function placeParameter(query: URLSearchParams): Place | undefined {
  let place: Place | undefined;
  for (const side of ['before', 'after', 'around'] as const) {
    const id = countParameter(query, side);
    if (id === undefined) continue;
    if (place !== undefined) throw badParameter(side, `must not come with ${place.side}`);
    place = { side, id };
  }
  return place;
}

/** `problem` ends a sentence that begins with the parameter: `must not come twice`. */
export function badParameter(name: string, problem: string): ChatError {
  return new ChatError('invalid_query', {
    sentence: `The parameter ${name} ${problem}.`,
    details: { parameter: name },
  });
}
