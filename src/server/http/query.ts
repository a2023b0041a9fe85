import { ChatError } from '../../chat/errors.js';
import { parseCount } from '../../chat/ids.js';

/** One parameter of a query string: undefined when absent. Errors: invalid_query when it comes twice. */
export function parameter(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name);
  if (values.length > 1) throw badParameter(name, 'must not come twice');
  return values[0];
}

/** A non-negative integer parameter. Errors: invalid_query. */
export function countParameter(query: URLSearchParams, name: string): number | undefined {
  const text = parameter(query, name);
  if (text === undefined) return undefined;
  const count = parseCount(text);
  if (count === undefined) throw badParameter(name, 'must be a non-negative integer');
  return count;
}

export function badParameter(name: string, problem: string): ChatError {
  return new ChatError('invalid_query', {
    sentence: `The parameter ${name} ${problem}.`,
    details: { parameter: name },
  });
}
