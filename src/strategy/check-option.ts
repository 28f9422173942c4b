/** Checks numbers among a strategy's options. */
import { PilotfishError } from '../core/errors.ts';

/** @throws PilotfishError `option-invalid` */
export function checkOption(
  option: string,
  value: number | undefined,
  { holds, says }: { readonly holds: (value: number) => boolean; readonly says: string },
): void {
  if (value === undefined || holds(value)) return;
  throw new PilotfishError('option-invalid', `${option} is ${value}, not ${says}.`, {
    remedy: `Give ${option} as ${says}.`,
    fields: { option, value: String(value) },
  });
}
