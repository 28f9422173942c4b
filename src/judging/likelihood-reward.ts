/**
 * Untrained rewards: how likely or how certain the tokens of a step are under one of the models. They are
 * the baselines of trained rewards.
 */
import { required } from '../core/invariant.ts';
import type { RowResult } from '../core/row-program.ts';
import { isArithmetic } from './arithmetic-token.ts';
import { type RewardContext, type RunningReward, readBy, type StepReward } from './step-reward.ts';

/** Combines the natural log-probabilities of a step's tokens to one number, at most 0. */
export type Combine = (logprobs: readonly number[]) => number;

export const meanLogprob: Combine = (logprobs) =>
  logprobs.reduce((sum, logprob) => sum + logprob, 0) / logprobs.length;

export const minLogprob: Combine = (logprobs) => Math.min(...logprobs);

/** The likelihood of the draft under the small model, which costs nothing. */
export function smallLikelihood(name: string, combine: Combine): StepReward {
  return {
    name,
    draftReads: { logprob: true },
    needs: {},
    begin: () => ({
      score: async ({ rows }) => likelihood(combine(rows.map(logprobOf))),
    }),
  };
}

/** The likelihood of the draft under the large model, which reads the step in one forward. */
export function largeLikelihood(name: string, combine: Combine): StepReward {
  const reads = { textLogprob: true };
  return {
    name,
    draftReads: {},
    needs: { large: { reads } },
    begin: ({ session }) => ({
      score: async (step) => {
        const read = await readBy(session('large'), step, reads);
        const logprobs = read.map((row) => required(row.textLogprob, 'it was asked for'));
        return likelihood(combine(logprobs));
      },
    }),
  };
}

/**
 * The least margin of the step's digits and operators under the small model; 1 if there are none. The
 * rule of `class-margin` for steps.
 */
export function classMargin(name: string): StepReward {
  return {
    name,
    draftReads: { uncertainty: true },
    needs: {},
    running: leastClassMargin,
    begin: (context) => ({
      score: async ({ rows }) => rows.map(leastClassMargin(context)).at(-1) ?? 1,
    }),
  };
}

function leastClassMargin({ tokenBytes }: Pick<RewardContext, 'tokenBytes'>): RunningReward {
  let least = 1;
  return ({ tokenId, margin }) => {
    const counts = isArithmetic(tokenBytes(tokenId));
    if (counts) least = Math.min(least, required(margin, 'it was asked for'));
    return least;
  };
}

/**
 * exp(−H), where H in nats is the largest entropy of the small model at a token of the step: the
 * probability of each choice where it hesitates most, if it hesitates among equals. The last token is
 * left out, because it may open the next step, unless it is alone.
 */
export function leastCertainty(name: string): StepReward {
  return {
    name,
    draftReads: { uncertainty: true },
    needs: {},
    running: () => {
      let [least, last] = [1, 1];
      return (row) => {
        least = Math.min(least, last);
        last = certainty(row);
        return least;
      };
    },
    begin: () => ({
      score: async ({ rows }) =>
        Math.min(...rows.slice(0, Math.max(1, rows.length - 1)).map(certainty)),
    }),
  };
}

function certainty({ entropy }: RowResult): number {
  return Math.exp(-required(entropy, 'it was asked for'));
}

/** The share of the step's tokens that the large model would have written, too. */
export function largeAgreement(name: string): StepReward {
  return {
    name,
    draftReads: {},
    needs: { large: {} },
    begin: ({ session }) => ({
      score: async (step) => {
        const read = await readBy(session('large'), step, {});
        const from = step.text.length - read.length;
        const agreed = read.filter(({ tokenId }, at) => tokenId === step.text[from + at]);
        return agreed.length / read.length;
      },
    }),
  };
}

/** Rounding may leave a log-probability a little above 0. */
function likelihood(logprob: number): number {
  return Math.min(1, Math.exp(logprob));
}

function logprobOf(row: RowResult): number {
  return required(row.logprob, 'log-probabilities of the draft were asked for');
}
