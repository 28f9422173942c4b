import { PilotfishError } from '../core/errors.ts';

/** What is wrong with a grammar that somebody gave, and what to do about it. */
export function grammarError(message: string, remedy: string): PilotfishError {
  return new PilotfishError('grammar-invalid', message, { remedy });
}
