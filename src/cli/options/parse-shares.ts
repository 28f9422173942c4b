/** Shares as users write them: `5%,10%,0.3`. */
import { PilotfishError } from '../../core/errors.ts';

/** @throws PilotfishError `option-invalid` */
export function parseShares(text: string): readonly number[] {
  return text.split(',').map((part) => {
    const match = /^\s*(\d+\.?\d*|\.\d+)(%?)\s*$/.exec(part);
    const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
    if (value >= 0 && value <= 1) return value;
    throw new PilotfishError('option-invalid', `"${part.trim()}" is not a share from 0 to 1.`, {
      remedy: 'Give shares as numbers from 0 to 1 or in percent, as in 5%,10%,0.3.',
      fields: { value: text },
    });
  });
}
