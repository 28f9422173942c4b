/**
 * The target of each objective at every token of a trajectory: how good the small model's token is
 * there, from 0 to 1. Pure. See docs/METHODS.md for the sources.
 */
import { required } from '../../core/invariant.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { TeacherForcedTrace } from '../traces/trace.ts';
import type { Preference } from './preferences.ts';

export const OBJECTIVES = [
  'citer',
  'citer-paper',
  'citer-s',
  'co-llm',
  'co-llm-supervised',
  'alignment',
] as const;
export type Objective = (typeof OBJECTIVES)[number];

/**
 * Whether labels need rollouts. If so, there are several rounds, and rollouts continue under the router
 * of the round before.
 */
export function usesRollouts(objective: Objective): boolean {
  return objective === 'citer' || objective === 'citer-paper';
}

/** The kind of a token's position: the paper's three cases and our own. */
export type LabelCase = 'agree' | 'large-right' | 'rolled-out' | 'unjudged';

export interface Target {
  /** From 0 (the large model should write the token) to 1. Null: the token is not trained on. */
  readonly value: number | null;
  readonly labelCase: LabelCase;
  /**
   * The number of tokens that it stands for, itself and others of its kind that were not rolled out;
   * default 1.
   */
  readonly weight?: number;
}

/**
 * `citer`: 1 where the models agree, else whether the small model's token ends at least as well as the
 * large model's, by rollouts of both. With drawn rollouts the values between 0 and 1 are chances, and
 * the target is the chance that the small model's end is no worse.
 */
export function citerTargets(
  { small, large }: Pick<TeacherForcedTrace, 'small' | 'large'>,
  preferences: readonly Preference[],
): readonly Target[] {
  const judged = new Map(preferences.map((preference) => [preference.position, preference]));
  const targets = small.map((token, position): Target => {
    if (token === large[position]) return { value: 1, labelCase: 'agree' };
    const preference = judged.get(position);
    if (preference === undefined) return { value: null, labelCase: 'unjudged' };
    return { value: chanceNoWorse(preference), labelCase: 'rolled-out' };
  });
  return standingForAll(targets);
}

/**
 * Lets rolled-out tokens stand for the other differing tokens. Otherwise an answer with many differing
 * tokens would seem to call for the large model less often than it does. If none was rolled out, the
 * answer says nothing.
 */
function standingForAll(targets: readonly Target[]): readonly Target[] {
  const judged = targets.filter(({ labelCase }) => labelCase === 'rolled-out').length;
  const unjudged = targets.filter(({ labelCase }) => labelCase === 'unjudged').length;
  if (unjudged === 0) return targets;
  if (judged === 0) return targets.map((target) => ({ ...target, value: null }));
  const weight = (judged + unjudged) / judged;
  return targets.map((target) =>
    target.labelCase === 'rolled-out' ? { ...target, weight } : target,
  );
}

/**
 * P(the small model's end is at least as good as the large model's), where ends are right or wrong
 * independently.
 */
export function chanceNoWorse({ smallValue, largeValue }: Preference): number {
  return 1 - largeValue * (1 - smallValue);
}

/**
 * `citer-paper` (section 3.3 and the released labels), along a reference: 1 where the small model's
 * token is the reference's; else 0 where the large model's is; else by a rollout of the small model's
 * token alone, 1 if its answer is right.
 */
export function citerPaperTargets(
  tokens: readonly TokenId[],
  { small, large }: Pick<TeacherForcedTrace, 'small' | 'large'>,
  smallValues: ReadonlyMap<number, number>,
): readonly Target[] {
  const targets = tokens.map((token, position): Target => {
    if (small[position] === token) return { value: 1, labelCase: 'agree' };
    if (large[position] === token) return { value: 0, labelCase: 'large-right' };
    const value = smallValues.get(position);
    return value === undefined
      ? { value: null, labelCase: 'unjudged' }
      : { value, labelCase: 'rolled-out' };
  });
  return standingForAll(targets);
}

/**
 * `citer-s`: the paper's ablation without lookahead: 1 where the small model's token is the next token.
 */
export function citerSTargets(
  tokens: readonly TokenId[],
  { small }: Pick<TeacherForcedTrace, 'small'>,
): readonly Target[] {
  return tokens.map((token, position) =>
    small[position] === token
      ? { value: 1, labelCase: 'agree' }
      : { value: 0, labelCase: 'large-right' },
  );
}

/**
 * `alignment` (reward-based token modelling, arXiv 2409.13757, which publishes no exact form): the
 * likelihood of the small model's token under the large model, relative to the large model's best token.
 */
export function alignmentTargets({
  smallLogprobUnderLarge,
  bestLogprobUnderLarge,
  small,
  large,
}: TeacherForcedTrace): readonly Target[] {
  return small.map((token, position) => {
    const best = required(bestLogprobUnderLarge[position], 'read');
    const ratio = Math.exp(required(smallLogprobUnderLarge[position], 'read') - best);
    const labelCase = token === large[position] ? 'agree' : 'large-right';
    return { value: Math.min(1, ratio), labelCase };
  });
}
