/** Counts labels. Pure. */
import { type LabelledExample, TARGET_MIDDLE } from '../fit/training-rows.ts';

export interface LabelCounts {
  readonly tokenCount: number;
  /** Tokens with a target. */
  readonly targetCount: number;
  /**
   * Tokens at which both models agree (for a paper label: the small model writes the reference's token).
   */
  readonly agreeCount: number;
  /** Tokens that the next token settles, without a rollout. */
  readonly settledCount: number;
  readonly rolledOutCount: number;
  readonly unjudgedCount: number;
  /** Targets that call for the large model. */
  readonly lowCount: number;
  /**
   * The share of tokens that labels call the large model for, those included that were not rolled out.
   */
  readonly callShare: number;
}

export function labelCounts(labelled: readonly LabelledExample[]): LabelCounts {
  const targets = labelled.flatMap((one) => one.targets);
  const count = (holds: (target: (typeof targets)[number]) => boolean): number =>
    targets.filter(holds).length;
  const weightOf = (all: typeof targets): number =>
    all.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const low = targets.filter(({ value }) => value !== null && value < TARGET_MIDDLE);
  const judged = targets.filter(({ value }) => value !== null);
  return {
    callShare: judged.length === 0 ? 0 : weightOf(low) / weightOf(judged),
    tokenCount: targets.length,
    targetCount: count(({ value }) => value !== null),
    agreeCount: count(({ labelCase }) => labelCase === 'agree'),
    settledCount: count(({ labelCase }) => labelCase === 'large-right'),
    rolledOutCount: count(({ labelCase }) => labelCase === 'rolled-out'),
    unjudgedCount: count(({ labelCase }) => labelCase === 'unjudged'),
    lowCount: low.length,
  };
}
