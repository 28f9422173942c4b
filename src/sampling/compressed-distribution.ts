/**
 * A distribution as the few integers that travel over a link: the ids of its most probable tokens, and
 * for each a level. Both ends compute the probabilities from the same integers by one division each, so
 * they hold the same bits.
 *
 * Speculative sampling keeps the target's distribution only if the draft is drawn from the distribution
 * that the target's side compares with (arXiv 2211.17192, theorem 1). Therefore:
 * - `none` (lossless): all mass is on the kept tokens. The device draws the draft from this distribution.
 * - `uniform` (CU-HLM, arXiv 2505.11788, eq. 16): the mass that the kept tokens lack is spread evenly
 *   over all others. In the paper the draft comes from the uncompressed distribution, and may be any
 *   token, which changes what is written.
 */
import { invariant } from '../core/invariant.ts';
import { largestProbabilities } from './largest-probabilities.ts';
import { argmax } from './row-statistics.ts';

export const LEVEL_BIT_COUNT_MAX = 16;

export interface CompressedDistribution {
  /** The kept tokens, most probable first; ties: lower id first. */
  readonly tokenIds: Uint32Array;
  /** The level of each kept token, from 1 to 2^bitCount - 1. */
  readonly levels: Uint32Array;
  /** The bits of a level, from 1 to `LEVEL_BIT_COUNT_MAX`. */
  readonly bitCount: number;
  /**
   * What the other tokens have:
   * - `none`: nothing. p = level / Σ levels. At least one token is kept.
   * - `uniform`: equal shares of what is left. p = level / (2^bitCount - 1), of at most V tokens.
   */
  readonly rest: 'none' | 'uniform';
}

export interface CompressionOptions {
  /** The number of tokens to keep (k), at least 1. */
  readonly tokenCount: number;
  /** The bits of a level, from 1 to `LEVEL_BIT_COUNT_MAX`. */
  readonly bitCount: number;
  readonly rest: CompressedDistribution['rest'];
}

/**
 * Keeps the k largest probabilities, rounded to levels. Tokens whose level is 0 are left out, so fewer
 * than k may be kept. With `none` the most probable token has the top level and is always kept. With
 * `uniform` a distribution may be too flat for any token: then none is kept, and it means that all
 * tokens are equally probable.
 * @param distribution [V] probabilities that sum to 1
 */
export function compressDistribution(
  distribution: Float64Array,
  { tokenCount, bitCount, rest }: CompressionOptions,
): CompressedDistribution {
  invariant(Number.isSafeInteger(tokenCount) && tokenCount >= 1, 'at least one token is kept');
  const top = topLevel(bitCount);
  const best = argmax(distribution, distribution.length);
  const unit = rest === 'none' ? (distribution[best] as number) : 1;
  // Half a level is rounded up. What lies clearly below it need not be sorted.
  const largest = largestProbabilities(distribution, tokenCount, (0.49 * unit) / top);
  const levels = Uint32Array.from(largest, (id) =>
    Math.round(((distribution[id] as number) / unit) * top),
  );
  // Levels fall, so those that are 0 are the last.
  const end = levels.indexOf(0);
  const kept = end < 0 ? levels.length : end;
  const tokenIds = Uint32Array.from(largest.slice(0, kept));
  return { tokenIds, levels: levels.slice(0, kept), bitCount, rest };
}

/** The level of probability 1 with `uniform`, and of the most probable token with `none`. */
export function topLevel(bitCount: number): number {
  const isInRange = Number.isSafeInteger(bitCount) && bitCount >= 1;
  invariant(isInRange && bitCount <= LEVEL_BIT_COUNT_MAX, 'a level has 1 to 16 bits');
  return 2 ** bitCount - 1;
}

/**
 * The probabilities that the integers stand for. With `uniform`, rounding may make the levels sum up to
 * more than the top level: then they are shares of their sum, as with `none`, and all other tokens have
 * probability 0, although one of them may be the draft. The same holds if all of the vocabulary is kept.
 * @returns [V] probabilities that sum to 1
 */
export function expandDistribution(
  { tokenIds, levels, bitCount, rest }: CompressedDistribution,
  vocabularySize: number,
): Float64Array {
  const sum = levels.reduce((total, level) => total + level, 0);
  const otherCount = vocabularySize - tokenIds.length;
  const hasRest = rest === 'uniform' && otherCount > 0;
  // An integer below 2^53, as all below: 2^24 tokens at most have 2^16 levels each.
  const whole = hasRest ? Math.max(sum, topLevel(bitCount)) : sum;
  const probabilities = new Float64Array(vocabularySize);
  if (hasRest) probabilities.fill((whole - sum) / (whole * otherCount));
  for (const [index, id] of tokenIds.entries()) {
    probabilities[id] = (levels[index] as number) / whole;
  }
  return probabilities;
}

/**
 * The distribution that single-precision probabilities stand for, equal to the last bit wherever it is
 * computed. A draft whose distribution travels in single precision is drawn from this one.
 * @param probabilities [V] numbers from 0 up, not all 0
 * @returns [V] probabilities that sum to 1
 */
export function fromSinglePrecision(probabilities: Float32Array): Float64Array {
  let sum = 0;
  for (const probability of probabilities) sum += probability;
  const exact = Float64Array.from(probabilities);
  for (let id = 0; id < exact.length; id += 1) exact[id] = (exact[id] as number) / sum;
  return exact;
}

/** The bits that tell the ids of a vocabulary apart: ceil(log2 V). */
export function tokenIdBitCount(vocabularySize: number): number {
  return 32 - Math.clz32(vocabularySize - 1);
}

/**
 * The exact size of packed entries in bytes, a multiple of 1/8: k (bitCount + ceil(log2 V)) / 8. A
 * frame rounds it up.
 */
export function compressedSize(
  tokenCount: number,
  bitCount: number,
  vocabularySize: number,
): number {
  return (tokenCount * (bitCount + tokenIdBitCount(vocabularySize))) / 8;
}
