import { PilotfishError } from '../core/errors.ts';

/** An error about a grammar of the user, with a remedy. */
export function grammarError(message: string, remedy: string): PilotfishError {
  return new PilotfishError('grammar-invalid', message, { remedy });
}
