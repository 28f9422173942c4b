/**
 * Numbers and costs as people read them, in pages and pictures. A dash stands for a missing value.
 */
import type { ShareInterval } from '../evaluation/curves/share-interval.ts';
import type { CostAxis } from '../evaluation/results.ts';
import type { Unit } from '../strategy/method.ts';

export const AXIS_NAMES: Readonly<Record<CostAxis, string>> = {
  largeShare: 'large share',
  transmittedShare: 'transmitted share',
  writtenFlopsRatio: 'written FLOPs',
  generatedFlopsRatio: 'generated FLOPs',
  weightTrafficRatio: 'weight traffic',
};

/** `2.5 to 40 % large share`: the costs between which curves are compared. */
export function intervalText({ low, high }: ShareInterval, axis: CostAxis): string {
  const range = `${short(100 * low)} to ${short(100 * high)} %`;
  if (axis === 'largeShare' || axis === 'transmittedShare') return `${range} ${AXIS_NAMES[axis]}`;
  return `${range} of the way between the models' ${AXIS_NAMES[axis]}`;
}

/** The plural nouns of the units that methods choose between models for. */
export const UNIT_NOUNS: Readonly<Record<Unit, string>> = {
  token: 'tokens',
  draft: 'drafts',
  step: 'steps',
  query: 'questions',
};

export const NONE = '–';

/** `61.3 %`. */
export function percent(share: number | null, digits: number = 1): string {
  return share === null ? NONE : `${(share * 100).toFixed(digits)} %`;
}

/** `57.1 to 65.2 %`. */
export function percentRange(low: number | null, high: number | null): string {
  if (low === null || high === null) return NONE;
  return `${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)} %`;
}

/** A difference of shares in percentage points, with its sign: `+4.2`. */
export function points(difference: number | null): string {
  if (difference === null) return NONE;
  const text = (difference * 100).toFixed(1);
  return Number(text) > 0 ? `+${text}` : text.replace('-', '−').replace(/^−0\.0$/, '0.0');
}

/** The absolute difference of two shares, in percentage points: `4.2`. */
export function distance(difference: number): string {
  const size = Math.abs(difference) * 100;
  return size > 0 && size < 0.05 ? 'less than 0.1' : size.toFixed(1);
}

export function pointRange(low: number | null, high: number | null): string {
  return low === null || high === null ? NONE : `${points(low)} to ${points(high)}`;
}

/** A ratio to the large model alone. */
export function ratio(value: number | null): string {
  return value === null ? NONE : value.toFixed(2);
}

/** At most four significant digits. */
export function short(value: number | null): string {
  return value === null ? NONE : String(Number(value.toPrecision(4)));
}

const DIGITS_MAX = 17;

/**
 * At least four significant digits, and enough to distinguish the value from all others that
 * differ, and from 0 and 1, the ends of shares.
 */
export function distinctly(value: number, others: readonly number[]): string {
  const different = [...others, 0, 1].filter((other) => other !== value);
  const written = (number: number, digits: number): number => Number(number.toPrecision(digits));
  for (let digits = 4; digits < DIGITS_MAX; digits += 1) {
    const text = written(value, digits);
    if (different.every((other) => written(other, digits) !== text)) return String(text);
  }
  return String(value);
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
