/** Which model's cache was full. A model does not know its role, so whoever asked it adds that. */
import { PilotfishError } from '../core/errors.ts';
import type { ModelRole } from '../core/events.ts';

/** A `kv-full` with the role of its model; every other error as it is. */
export function withRole(error: unknown, role: ModelRole): unknown {
  if (!PilotfishError.isInstance(error) || error.code !== 'kv-full') return error;
  const { message, remedy, fields } = error;
  return new PilotfishError('kv-full', message, {
    ...(remedy === null ? {} : { remedy }),
    fields: { ...fields, role },
    cause: error,
  });
}

/** The model whose cache was full; null for every other error. */
export function fullRole(error: unknown): ModelRole | null {
  if (!PilotfishError.isInstance(error) || error.code !== 'kv-full') return null;
  const { role } = error.fields;
  return role === 'small' || role === 'large' ? role : null;
}
