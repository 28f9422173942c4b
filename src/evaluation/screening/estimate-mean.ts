/**
 * Means over all questions from the answered ones, with their precision.
 *
 * Two-phase sampling for stratification (W. G. Cochran, Sampling Techniques, 3rd ed. 1977, section
 * 12.2). The N questions are a random sample of all possible ones, which gives the strata their
 * shares W_h = N_h / N. In each stratum n_h questions are answered, with mean m_h and variance s_h²
 * (divisor n_h - 1). Then
 *
 *   mean      m = Σ W_h m_h
 *   variance  V = N / (N - 1) · [ Σ W_h² s_h² / n_h - Σ W_h s_h² / (n_h N) + Σ W_h (m_h - m)² / N ]
 *
 * The first term is the sampling within strata, the third the sampling of the shares themselves;
 * the second removes the part of the third that comes from sampling within strata. V is unbiased
 * for an infinite population; with every question answered it is exactly s² / N.
 *
 * **Strata without any variation.** If all outcomes seen in a sampled stratum are equal, s_h² = 0
 * claims that the unseen ones are equal too. There s_h² = p (1 - p) is used with p = 1 / (2 n_h +
 * 2): the expected chance of the other outcome, unseen in n_h questions, under Jeffreys' prior
 * Beta(1/2, 1/2) (L. Brown, T. Cai and A. DasGupta, Statistical Science 16, 2001). Strata that were
 * answered whole need no such credit. The credit makes intervals of small samples a little too wide
 * rather than too narrow.
 */
import { invariant } from '../../core/invariant.ts';
import { type Interval, NORMAL_975 } from '../statistics/interval.ts';
import { wilson } from '../statistics/wilson.ts';
import type { SampleDesign } from './sample-design.ts';

interface StratumEstimate {
  /** W_h, n_h, m_h and s_h². */
  readonly share: number;
  readonly count: number;
  readonly mean: number;
  readonly variance: number;
  /** The stratum was sampled, and all its values are equal. */
  readonly isUnvaried: boolean;
}

function stratumEstimates(design: SampleDesign, values: ArrayLike<number>): StratumEstimate[] {
  invariant(values.length === design.strata.length, 'values and answered questions do not match');
  const members: number[][] = design.stratumSizes.map(() => []);
  for (const [index, stratum] of design.strata.entries()) {
    members[stratum]?.push(values[index] as number);
  }
  return members.flatMap((list, stratum) => {
    const size = design.stratumSizes[stratum] ?? 0;
    if (size === 0) return [];
    const count = list.length;
    const mean = list.reduce((sum, value) => sum + value, 0) / count;
    const squares = list.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const isUnvaried = count < size && list.every((value) => value === list[0]);
    const variance = isUnvaried || count < 2 ? 0 : squares / (count - 1);
    return [{ share: size / design.questionCount, count, mean, variance, isUnvaried }];
  });
}

/** The formula for V above, with s_h² as given. */
function varianceOfMean(strata: readonly StratumEstimate[], mean: number, n: number): number {
  if (n < 2) return 0;
  let sum = 0;
  for (const { share, count, mean: own, variance } of strata) {
    const within = (variance / count) * share;
    sum += within * share - within / n + (share * (own - mean) ** 2) / n;
  }
  // Above 0, but the middle term may win by rounding or where strata hold one question each.
  return Math.max(0, (n / (n - 1)) * sum);
}

export interface MeanEstimate {
  readonly mean: number;
  readonly variance: number;
}

/** The mean of any value of questions, such as a cost, with its variance; without credits. */
export function estimateMean(design: SampleDesign, values: ArrayLike<number>): MeanEstimate {
  const strata = stratumEstimates(design, values);
  const mean = meanOf(strata);
  return { mean, variance: varianceOfMean(strata, mean, design.questionCount) };
}

function meanOf(strata: readonly StratumEstimate[]): number {
  return strata.reduce((sum, stratum) => sum + stratum.share * stratum.mean, 0);
}

/** The expected chance of an outcome that was not seen in `count` questions. */
function otherChance(count: number): number {
  return 1 / (2 * count + 2);
}

/** The variance that the credit for strata without variation adds to a mean of outcomes. */
export function unseenVariance(design: SampleDesign, values: ArrayLike<number>): number {
  return stratumEstimates(design, values)
    .filter((stratum) => stratum.isUnvaried)
    .reduce((sum, { share, count }) => {
      const other = otherChance(count);
      return sum + (share ** 2 * other * (1 - other)) / count;
    }, 0);
}

export interface MeanInterval extends Interval {
  readonly value: number;
}

/**
 * A share over all questions, such as that of right answers, with its 95 % interval. The interval
 * is Wilson's for a plain sample of the same precision, n = p (1 - p) / V + 1, which is N itself if
 * every question was answered. For this n, p takes credited strata at the mean that the credit
 * expects.
 * @param values within [0, 1]: 0 or 1, or a mean of these over several runs
 */
export function estimateShare(design: SampleDesign, values: ArrayLike<number>): MeanInterval {
  const strata = stratumEstimates(design, values);
  const value = Math.min(1, Math.max(0, meanOf(strata)));
  const varied = strata.map((stratum) => {
    const { count, mean, isUnvaried } = stratum;
    if (!isUnvaried) return stratum;
    const other = otherChance(count);
    return { ...stratum, mean: mean > 0.5 ? mean - other : mean + other };
  });
  const share = meanOf(varied);
  const n = design.questionCount;
  const variance = varianceOfMean(strata, value, n) + unseenVariance(design, values);
  const size = variance === 0 ? n : (share * (1 - share)) / variance + 1;
  return { value, ...wilson(value * size, size) };
}

/**
 * The paired difference of two shares over all questions: the mean of first - second per question.
 * Its interval is mean ± z sqrt(V) with the credit, within [-1, 1].
 */
export function estimateDifference(
  design: SampleDesign,
  first: ArrayLike<number>,
  second: ArrayLike<number>,
): MeanInterval {
  invariant(first.length === second.length, 'pairs do not match');
  const differences = Float64Array.from(first, (value, index) => value - (second[index] as number));
  const { mean, variance } = estimateMean(design, differences);
  const reach = NORMAL_975 * Math.sqrt(variance + unseenVariance(design, differences));
  return { value: mean, low: Math.max(-1, mean - reach), high: Math.min(1, mean + reach) };
}
