/**
 * The bootstrap over questions, for any statistic of weighted questions (B. Efron, 1979; percentile
 * intervals). Weights are drawn once per replicate and serve every statistic, so that compared
 * values are resampled together.
 *
 * In one replicate, N questions are drawn anew, which gives each stratum a count N*_h (multinomial
 * with shares N_h / N). Of its n_h answered questions, n_h - 1 are drawn with replacement, each
 * with the weight N*_h / ((n_h - 1) N): with n_h draws the variance would be too small by (n_h - 1)
 * / n_h (J. Rao and C. Wu, JASA 83, 1988). With every question answered this is the plain
 * bootstrap, but for that one draw.
 */
import { mix, type NoiseKey, noiseKey } from '../../core/noise.ts';
import { type SampleDesign, weightedSum } from '../screening/sample-design.ts';
import type { Interval } from './interval.ts';
import { quantileInterval } from './quantile-interval.ts';

/** Weights of the answered questions in each replicate; they sum to 1. */
export interface Replicates {
  readonly design: SampleDesign;
  readonly seed: number;
  readonly weights: readonly Float64Array[];
}

export const REPLICATE_COUNT = 2000;

export function drawReplicates(
  design: SampleDesign,
  { seed, count = REPLICATE_COUNT }: { readonly seed: number; readonly count?: number },
): Replicates {
  const members: number[][] = design.stratumSizes.map(() => []);
  for (const [index, stratum] of design.strata.entries()) members[stratum]?.push(index);
  const stratumOf = Uint32Array.from(
    design.stratumSizes.flatMap((size, stratum) => new Array<number>(size).fill(stratum)),
  );
  const weights = Array.from({ length: count }, (_, replicate) => {
    const uniform = uniformDraws(noiseKey(seed, replicate, 'coin'));
    return drawWeights(design, members, drawStratumCounts(design, stratumOf, uniform), uniform);
  });
  return { design, seed, weights };
}

/** A stream of uniform numbers in [0, 1). */
function uniformDraws({ a, b }: NoiseKey): () => number {
  let index = 0;
  return () => {
    index += 1;
    return mix(index, a, b) / 4294967296;
  };
}

/** @param stratumOf stratum of each of the N questions, in any order */
function drawStratumCounts(
  { stratumSizes, questionCount }: SampleDesign,
  stratumOf: Uint32Array,
  uniform: () => number,
): Float64Array {
  if (stratumSizes.includes(questionCount)) return Float64Array.from(stratumSizes);
  const counts = new Float64Array(stratumSizes.length);
  for (let question = 0; question < questionCount; question += 1) {
    const stratum = stratumOf[Math.floor(uniform() * questionCount)] as number;
    counts[stratum] = (counts[stratum] as number) + 1;
  }
  return counts;
}

function drawWeights(
  design: SampleDesign,
  members: readonly (readonly number[])[],
  counts: Float64Array,
  uniform: () => number,
): Float64Array {
  const weights = new Float64Array(design.strata.length);
  for (const [stratum, list] of members.entries()) {
    const count = counts[stratum] ?? 0;
    const size = list.length;
    if (size === 0) continue;
    const drawCount = Math.max(1, size - 1);
    const each = count / drawCount / design.questionCount;
    // This loop runs for every question in every replicate.
    for (let draw = 0; draw < drawCount; draw += 1) {
      const index = list[Math.floor(uniform() * size)] as number;
      weights[index] = (weights[index] as number) + each;
    }
  }
  return weights;
}

/**
 * A statistic of all questions, given the weight of each answered one; null where it is undefined.
 */
export type Statistic = (weights: Float64Array) => number | null;

const LACK_MAX = 0.025;

/**
 * The interval of a statistic from its values in replicates. Null if it is undefined in more than
 * 2.5 % of them: no tail would hold.
 */
export function intervalOf(values: readonly (number | null)[]): Interval | null {
  const defined = values.filter((value) => value !== null);
  if (values.length - defined.length > LACK_MAX * values.length) return null;
  return quantileInterval(defined);
}

/** The variation of the statistic over the replicates. */
export function bootstrap({ weights }: Replicates, statistic: Statistic): Interval | null {
  return intervalOf(weights.map(statistic));
}

/** The mean of `values`, with one value per answered question, as a statistic. */
export function meanOf(values: ArrayLike<number>): Statistic {
  return (weights) => weightedSum(weights, values);
}
