/**
 * The truncating sampling steps, which decide the tokens that may be drawn at all. Their order is
 * top-k, top-p, min-p (llama.cpp's). The temperature comes after them and truncates nothing.
 */
import type { DistributionParams } from '../core/sampling-params.ts';
import { expOfNonPositive } from './exponential.ts';
import { argmax } from './row-statistics.ts';

export function truncates(params: DistributionParams): boolean {
  return params.topK > 0 || params.topP < 1 || params.minP > 0;
}

/**
 * The ids that survive the truncating steps, most probable first (ties: lower id first). At least one
 * id survives. Every step cuts the end of that order off, so only ids near the best are sorted:
 * sorting a whole vocabulary would cost more than a small model's step.
 */
export function candidates(
  logits: Float32Array,
  size: number,
  params: DistributionParams,
): number[] {
  const row: Row = { logits, size, max: logits[argmax(logits, size)] as number };
  const { topP, minP } = params;
  const topK = params.topK > 0 ? Math.min(params.topK, size) : size;
  const minPGap = minP > 0 ? -Math.log(minP) : Number.POSITIVE_INFINITY;
  const masses = topK === size && topP < 1 ? bucketSums(row, expOfNonPositive) : null;
  let last = BUCKET_COUNT - 1;
  if (topK < size) last = bucketHolding(bucketSums(row, one), topK);
  if (masses !== null) last = bucketHolding(masses, topP * sumOf(masses));
  // Top-p needs the mass before min-p. Without top-p, min-p can be applied first.
  if (topP >= 1) last = Math.min(last, bucketOf(minPGap));
  const sorted = sortedUpTo(row, last).slice(0, topK);
  const kept = topP < 1 ? topPCount(row, sorted, topP, masses) : sorted.length;
  let count = 1;
  while (count < kept && gapOf(row, sorted[count] as number) <= minPGap) count += 1;
  return sorted.slice(0, count);
}

interface Row {
  readonly logits: Float32Array;
  readonly size: number;
  readonly max: number;
}

/** The distance of a logit below the best. */
function gapOf(row: Row, id: number): number {
  return row.max - (row.logits[id] as number);
}

const BUCKETS_PER_NAT = 8;
const BUCKET_COUNT = 512;

/** The bucket of a gap, in steps of 1/8. The last bucket takes all gaps that are far. */
function bucketOf(gap: number): number {
  return gap < BUCKET_COUNT / BUCKETS_PER_NAT ? (gap * BUCKETS_PER_NAT) | 0 : BUCKET_COUNT - 1;
}

const one = (): number => 1;

/** [BUCKET_COUNT] the sum over the ids of each bucket of a weight of their negative gap. */
function bucketSums(row: Row, weigh: (negativeGap: number) => number): Float64Array {
  const sums = new Float64Array(BUCKET_COUNT);
  for (let id = 0; id < row.size; id += 1) {
    const gap = gapOf(row, id);
    const bucket = bucketOf(gap);
    sums[bucket] = (sums[bucket] as number) + weigh(-gap);
  }
  return sums;
}

/**
 * The first bucket up to which the sums reach `amount`; the last bucket if rounding keeps the sums
 * below.
 */
function bucketHolding(sums: Float64Array, amount: number): number {
  let sum = 0;
  for (let bucket = 0; bucket < BUCKET_COUNT; bucket += 1) {
    sum += sums[bucket] as number;
    if (sum >= amount) return bucket;
  }
  return BUCKET_COUNT - 1;
}

function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index] as number;
  return sum;
}

/** All ids of the buckets up to `last`, in the final order. */
function sortedUpTo(row: Row, last: number): number[] {
  const { logits } = row;
  const ids: number[] = [];
  for (let id = 0; id < row.size; id += 1) if (bucketOf(gapOf(row, id)) <= last) ids.push(id);
  return ids.sort((a, b) => (logits[b] as number) - (logits[a] as number) || a - b);
}

/**
 * The length of the shortest prefix of `sorted` that holds `topP` of the mass.
 * @param masses of the whole row by bucket; null if the mass is that of `sorted`
 */
function topPCount(
  row: Row,
  sorted: readonly number[],
  topP: number,
  masses: Float64Array | null,
): number {
  const massOf = (id: number): number => expOfNonPositive(-gapOf(row, id));
  const wanted = topP * sumOf(masses ?? sorted.map(massOf));
  let mass = 0;
  let count = 0;
  while (count < sorted.length && mass < wanted) {
    mass += massOf(sorted[count] as number);
    count += 1;
  }
  return Math.max(1, count);
}
