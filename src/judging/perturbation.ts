/**
 * The uncertainties by which U-HLM decides what a device transmits (arXiv 2412.12687), as gates: a draft
 * is transmitted where its score is above the threshold. All but `unbiased` look at the draft.
 */
import { required } from '../core/invariant.ts';
import { PERTURBATION_COUNT, PERTURBED_TEMPERATURES } from '../core/perturbed-temperatures.ts';
import type { RowResult } from '../core/row-program.ts';
import type { Gate } from './gate.ts';

/** [PERTURBATION_COUNT] the probabilities of a token `gap` nats below the best one, by temperature. */
export function perturbedProbabilities(logPartitions: Float64Array, gap: number): Float64Array {
  return logPartitions.map((logPartition, index) => {
    const temperature = required(PERTURBED_TEMPERATURES[index], 'one value for each temperature');
    return Math.exp(-gap / temperature - logPartition);
  });
}

/**
 * Mean over the temperatures of the probability that another token than one `gap` nats below the best is
 * drawn: from 0 to 1.
 */
export function meanPerturbation(
  { logPartitions }: Pick<RowResult, 'logPartitions'>,
  gap: number,
): number {
  const all = perturbedProbabilities(required(logPartitions, 'the row program computes them'), gap);
  return all.reduce((sum, probability) => sum + 1 - probability, 0) / PERTURBATION_COUNT;
}

function gapOf({ logitGap }: RowResult): number {
  return required(logitGap, 'the row program computes the gap');
}

/** Without noise: what the sampled uncertainty is on average. */
export const perturbationGate: Gate = {
  name: 'perturbation',
  reads: { perturbation: true },
  deferralSide: 'above',
  score: (row) => meanPerturbation(row, gapOf(row)),
};

/** The paper's: the share of the temperatures at which another token was drawn, in {0, 1/K, …, 1}. */
export const sampledPerturbationGate: Gate = {
  name: 'sampled-perturbation',
  reads: { perturbation: true },
  deferralSide: 'above',
  score: (row, position, { draws }) => {
    const all = perturbedProbabilities(
      required(row.logPartitions, 'the row program computes them'),
      gapOf(row),
    );
    const others = all.filter((probability, index) => {
      const place = position * PERTURBATION_COUNT + index;
      return draws.uniform(place, 'perturbation') >= probability;
    });
    return others.length / PERTURBATION_COUNT;
  },
};

/** Of the best token instead of the draft: but for ends, what is transmitted follows the large model. */
export const unbiasedPerturbationGate: Gate = {
  name: 'unbiased-perturbation',
  reads: { perturbation: true },
  deferralSide: 'above',
  score: (row) => meanPerturbation(row, 0),
};

/** What the draft lacks to certainty: 1 - its probability under the small model at temperature 1. */
export const draftProbabilityGate: Gate = {
  name: 'draft-probability',
  reads: { logprob: true },
  deferralSide: 'above',
  score: ({ logprob }) => -Math.expm1(required(logprob, 'the row program computes it')),
};
