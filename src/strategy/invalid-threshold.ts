/** The error for a threshold that a method cannot take. */
import { PilotfishError } from '../core/errors.ts';

/** @param text the strategy as it was written */
export function invalidThreshold(text: string, why: string, remedy: string): PilotfishError {
  return new PilotfishError('threshold-invalid', `The strategy "${text}" is wrong: ${why}.`, {
    remedy,
    fields: { strategy: text },
  });
}
