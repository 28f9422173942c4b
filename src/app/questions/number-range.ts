/** Checks numbers that callers of the library give. The command line checks its own, by its flags. */
import { PilotfishError } from '../../core/errors.ts';

/** @throws PilotfishError `option-invalid`, naming the first number that is no integer from 1 up */
export function checkCounts(counts: Readonly<Record<string, number | undefined>>): void {
  for (const [option, value] of Object.entries(counts)) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue;
    throw invalid(option, value, 'an integer from 1 up');
  }
}

/** @throws PilotfishError `option-invalid`, naming the first number outside of 0 to 1 */
export function checkShares(shares: Readonly<Record<string, number | null | undefined>>): void {
  for (const [option, value] of Object.entries(shares)) {
    if (value === undefined || value === null || (value >= 0 && value <= 1)) continue;
    throw invalid(option, value, 'a share from 0 to 1');
  }
}

function invalid(option: string, value: number, says: string): PilotfishError {
  return new PilotfishError('option-invalid', `${option} is ${value}, not ${says}.`, {
    remedy: `Give ${option} as ${says}.`,
    fields: { option, value: String(value) },
  });
}
