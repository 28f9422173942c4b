/**
 * The weightings of RSD: the probability that a step with a reward is accepted (Liao et al., 2025,
 * arXiv 2501.19324, table 1). Pure.
 */

/** The probability, in [0, 1], of accepting a step with the reward `reward`, in [0, 1]. */
export type Weighting = (reward: number) => number;

/** β of the logistic weighting. */
const LOGISTIC_STEEPNESS = 20;

export type WeightingName = 'binary' | 'constant' | 'clipped' | 'sigmoid' | 'logistic';

/** Each weighting at a threshold δ. */
export const WEIGHTINGS: Readonly<Record<WeightingName, (delta: number) => Weighting>> = {
  /** 1 iff the reward reaches the threshold: the best one under a limit of calls (proposition 2.3). */
  binary: (delta) => (reward) => Number(reward >= delta),
  /** 1 − δ whatever the reward: a random control that pays for its drafts. */
  constant: (delta) => () => clip(1 - delta),
  /** The reward less δ. The paper has δ = 0. */
  clipped: (delta) => (reward) => clip(reward - delta),
  /** 1 / (1 + e^−(r − δ)). The paper has δ = 0. */
  sigmoid: (delta) => (reward) => logistic(reward - delta),
  /** 1 / (1 + e^−β(r − δ)) */
  logistic: (delta) => (reward) => logistic(LOGISTIC_STEEPNESS * (reward - delta)),
};

function clip(value: number): number {
  return Math.min(1, Math.max(0, value));
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
