/** Shares as users write them: `5%,10%,0.3`. */
import { PilotfishError } from '../../core/errors.ts';

const SHARE = /^\s*(\d+\.?\d*|\.\d+)(%?)\s*$/;
/** A curve cannot show more points. */
const SHARE_COUNT_MAX = 64;

/** A commander parser of one share. @throws PilotfishError `option-invalid`, naming the option */
export function shareParser(option: string): (text: string) => number {
  return (text) => {
    const [, digits, percent] = SHARE.exec(text) ?? [];
    const value = digits === undefined ? Number.NaN : Number(digits) / (percent === '%' ? 100 : 1);
    if (value >= 0 && value <= 1) return value;
    throw new PilotfishError(
      'option-invalid',
      `${option} is "${text.trim()}", not a share from 0 to 1.`,
      {
        remedy: `Give ${option} as numbers from 0 to 1 or in percent, as in 5% or 0.3.`,
        fields: { option, value: text },
      },
    );
  };
}

/** A commander parser of shares that commas separate. @throws as `shareParser` */
export function sharesParser(option: string): (text: string) => readonly number[] {
  return (text) => {
    const parts = text.split(',');
    if (parts.length <= SHARE_COUNT_MAX) return parts.map(shareParser(option));
    throw new PilotfishError('option-invalid', `${option} has ${parts.length} shares.`, {
      remedy: `Give ${SHARE_COUNT_MAX} at most.`,
      fields: { option, count: parts.length, limit: SHARE_COUNT_MAX },
    });
  };
}
