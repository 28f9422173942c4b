/**
 * The truncating steps over a row in the kernel. A short search finds a distance below the best that
 * surely holds every survivor and few other entries. These entries are collected, sorted, and cut
 * exactly as `candidates` cuts.
 */
import type { DistributionParams } from '../../core/sampling-params.ts';
import { expOfNonPositive } from '../exponential.ts';
import { ENTRY_COUNT_MAX, EXPONENT_MIN, type RowKernel } from './row-kernel.ts';

const FLOAT_MIN = -3.4028234663852886e38;
/** Bounds the relative difference between the kernel's sum of exponentials and the plain one. */
const SUM_TOLERANCE = 2e-9;
/** Sorting this many entries is faster than a search for fewer. */
const SORTED_COUNT_FEW = 512;
const GAP_STEP_MIN = 1 / 8;
const GAP_MAX = 2 ** 20;

/** A row that the kernel has loaded. */
export interface LoadedRow {
  readonly kernel: RowKernel;
  readonly size: number;
  /** Its largest entry, finite. */
  readonly max: number;
}

/** @returns null if only the plain loops can decide */
export function kernelCandidates(row: LoadedRow, params: DistributionParams): number[] | null {
  const { topP, minP } = params;
  const minPGap = minP > 0 ? -Math.log(minP) : Number.POSITIVE_INFINITY;
  const isTopK = params.topK > 0 && params.topK < row.size;
  const total = !isTopK && topP < 1 ? massWithin(row, -EXPONENT_MIN) : null;
  let sorted: number[] | null;
  if (isTopK) sorted = largest(row, params.topK);
  else if (total !== null) sorted = holdingMass(row, topP, total);
  else sorted = minP > 0 ? sortedWithin(row, minPGap) : null;
  if (sorted === null) return null;
  const kept = topP < 1 ? topPCount(row, sorted, topP, total) : sorted.length;
  if (kept === null) return null;
  let count = 1;
  while (count < kept && gapOf(row, sorted[count] as number) <= minPGap) count += 1;
  sorted.length = count;
  return sorted;
}

/** The distance of an entry below the best. */
function gapOf({ kernel, max }: LoadedRow, id: number): number {
  return max - (kernel.row[id] as number);
}

/**
 * The `count` largest entries in order, with `count` below `size`; null if many entries tie for the
 * last places.
 */
function largest(row: LoadedRow, count: number): number[] | null {
  const most = 2 * count + SORTED_COUNT_FEW;
  const gap = narrowGap(row, (wide) => countWithin(row, wide) >= count, most);
  if (gap === null) return maskedFilled(row, count);
  if (countWithin(row, gap) > most) return null;
  const sorted = sortedWithin(row, gap);
  sorted.length = count;
  return sorted;
}

/** `count` ids if fewer are not masked: all unmasked ids, then the lowest masked ones. */
function maskedFilled(row: LoadedRow, count: number): number[] | null {
  const { kernel } = row;
  if (kernel.count(FLOAT_MIN) >= count) return null;
  const ids = sorted(kernel, FLOAT_MIN);
  for (let id = 0; ids.length < count; id += 1) {
    if (kernel.row[id] === Number.NEGATIVE_INFINITY) ids.push(id);
  }
  return ids;
}

/**
 * The largest entries in order that surely hold this share of the mass, and some more; null if nearly
 * all entries are needed.
 */
function holdingMass(row: LoadedRow, share: number, total: number): number[] | null {
  const enough = share * total * (1 + 2 * SUM_TOLERANCE);
  if (enough > total) return null;
  const holds = (gap: number): boolean => massWithin(row, gap) >= enough;
  const gap = narrowGap(row, holds, SORTED_COUNT_FEW);
  return gap === null ? null : sortedWithin(row, gap);
}

/**
 * A distance below the best at which `holds` is true, as at all greater ones. It is narrow enough to
 * hold at most `most` entries, or nearly the narrowest possible. Null if none is found.
 */
function narrowGap(row: LoadedRow, holds: (gap: number) => boolean, most: number): number | null {
  let [narrow, wide] = [0, 1];
  while (!holds(wide)) {
    [narrow, wide] = [wide, 2 * wide];
    if (wide > GAP_MAX) return null;
  }
  while (wide - narrow > GAP_STEP_MIN && countWithin(row, wide) > most) {
    const middle = (narrow + wide) / 2;
    if (holds(middle)) wide = middle;
    else narrow = middle;
  }
  return wide;
}

/** A float low enough that no entry within `gap` of the best lies below it. */
function levelOf(max: number, gap: number): number {
  const rounding = (Math.abs(max) + gap) * 2 ** -22 + 2 ** -126;
  return Math.max(FLOAT_MIN, Math.fround(max - gap - rounding));
}

function countWithin({ kernel, max }: LoadedRow, gap: number): number {
  return kernel.count(levelOf(max, gap));
}

/** Σ e^(logit - max) over the entries less than `gap` below the best. */
function massWithin({ kernel, max }: LoadedRow, gap: number): number {
  return kernel.sums(max, Math.max(EXPONENT_MIN, -gap)).sum;
}

function sortedWithin({ kernel, max }: LoadedRow, gap: number): number[] {
  return sorted(kernel, levelOf(max, gap));
}

/**
 * The entries that are at least `least`, largest first, ties by the lower id. Order and id are packed
 * into one double each, because the built-in numeric sort calls no comparator.
 */
function sorted(kernel: RowKernel, least: number): number[] {
  const { bits } = kernel;
  const packed = Float64Array.from(kernel.collect(least), (id) => {
    // The bits of positive floats rise with their values, those of negative floats fall; -0 is 0.
    const bit = bits[id] as number;
    const rank = bit < 0x80000000 ? 0x7fffffff - bit : bit - 1;
    return rank * ENTRY_COUNT_MAX + id;
  });
  packed.sort();
  return Array.from(packed, (value) => value % ENTRY_COUNT_MAX);
}

/**
 * The length of the shortest prefix of `sorted` that holds `topP` of the mass.
 * @param total mass of the whole row; null if the mass is that of `sorted`, added up in its order
 * @returns null if the difference between the kernel's total and the plain one could matter
 */
function topPCount(
  row: LoadedRow,
  sorted: readonly number[],
  topP: number,
  total: number | null,
): number | null {
  const massOf = (id: number): number => expOfNonPositive(-gapOf(row, id));
  const wanted = topP * (total ?? sorted.reduce((sum, id) => sum + massOf(id), 0));
  const tolerance = total === null ? 0 : SUM_TOLERANCE;
  let mass = 0;
  let count = 0;
  while (count < sorted.length && mass < wanted * (1 - tolerance)) {
    mass += massOf(sorted[count] as number);
    count += 1;
  }
  if (total !== null && mass < wanted * (1 + tolerance)) return null;
  return Math.max(1, count);
}
