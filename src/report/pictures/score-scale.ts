/**
 * The places of a gate's bins on the horizontal axis, always from kept to deferred scores. Bins of
 * equal width lie at their scores. Other bins, whose scores may span magnitudes, lie side by side,
 * each labelled with its start.
 */
import type { GateBin } from '../../evaluation/results.ts';

export interface ScoreScale {
  readonly isEven: boolean;
  readonly domain: readonly [number, number];
  /** Whether the axis runs from right to left, as it does for margins. */
  readonly isReversed: boolean;
  /** The place of each bin in axis units; its start is the end that is kept first. */
  readonly places: readonly { readonly start: number; readonly end: number }[];
  /** The positions and texts of labels; null: the axis chooses them itself. */
  readonly ticks: readonly { readonly at: number; readonly label: string }[] | null;
}

/** The largest difference of equal widths, relative to the widest bin. */
const WIDTH_TOLERANCE = 0.01;
const TICK_COUNT_MAX = 7;
const DIGIT_COUNTS = [2, 3, 4, 5] as const;

export function scoreScale(bins: readonly GateBin[]): ScoreScale {
  const isReversed = isFalling(bins);
  const ends = bins.map(({ from, to }) => {
    const [least, most] = [Math.min(from, to), Math.max(from, to)];
    return isReversed ? { start: most, end: least } : { start: least, end: most };
  });
  const widths = ends.map(({ start, end }) => Math.abs(end - start));
  const [thin, wide] = [Math.min(...widths), Math.max(...widths)];
  if (thin > 0 && wide - thin <= WIDTH_TOLERANCE * wide) {
    const all = ends.flatMap(({ start, end }) => [start, end]);
    const domain = [Math.min(...all), Math.max(...all)] as const;
    return { isEven: true, domain, isReversed, places: ends, ticks: null };
  }
  return {
    isEven: false,
    domain: [0, bins.length],
    isReversed: false,
    places: bins.map((_, place) => ({ start: place, end: place + 1 })),
    ticks: tickLabels([...ends.map(({ start }) => start), ends.at(-1)?.end ?? 0]),
  };
}

function tickLabels(edges: readonly number[]): { at: number; label: string }[] {
  const step = Math.ceil((edges.length - 1) / (TICK_COUNT_MAX - 1));
  const shown = edges.flatMap((edge, at) => (at % step === 0 ? [{ at, edge }] : []));
  const written = (digits: number): { at: number; label: string }[] =>
    shown.map(({ at, edge }) => ({ at, label: String(Number(edge.toFixed(digits))) }));
  const isClear = (digits: number): boolean =>
    new Set(written(digits).map(({ label }) => label)).size === shown.length;
  // Margins crowd below 1, entropies above 0: enough digits to distinguish the edges.
  return written(DIGIT_COUNTS.find(isClear) ?? DIGIT_COUNTS[3]);
}

function isFalling(bins: readonly GateBin[]): boolean {
  const [first, last] = [bins[0], bins.at(-1)];
  if (first === undefined || last === undefined) return false;
  return first.from + first.to > last.from + last.to || first.from > first.to;
}
