/** Errors that name the question they occurred at. */
import { PilotfishError } from '../../core/errors.ts';
import type { Question } from '../question.ts';

/**
 * An operating error with the question's name in its message and fields; other errors unchanged.
 */
export function ofQuestion(error: unknown, { id }: Pick<Question, 'id'>): unknown {
  if (!PilotfishError.isInstance(error) || error.code === 'aborted') return error;
  if (error.fields['question'] !== undefined) return error;
  return new PilotfishError(error.code, `${id}: ${error.message}`, {
    remedy: error.remedy,
    fields: { ...error.fields, question: id },
    cause: error,
  });
}
