import type { z } from 'zod';
import { ChatError } from '../chat/errors.js';

/** The first thing that a schema found wrong, as the error that names the field: `users.0.id must be …`. */
export function fieldError(error: z.ZodError): ChatError {
  const issue = error.issues[0];
  const field = issue === undefined || issue.path.length === 0 ? 'body' : issue.path.map(String).join('.');
  return new ChatError('invalid_field', {
    sentence: `The field ${field} ${issue?.message ?? 'is not allowed'}.`,
    details: { field },
  });
}
