/** What labels say, in numbers. Pure. */
import { type LabelledExample, TARGET_MIDDLE } from '../fit/training-rows.ts';

export interface LabelCounts {
  readonly tokenCount: number;
  /** Tokens that have a target. */
  readonly targetCount: number;
  /** Where both models write the same (or, for a paper label, the small one writes the reference's). */
  readonly agreeCount: number;
  /** Settled by which model writes the next token, without a rollout. */
  readonly settledCount: number;
  readonly rolledOutCount: number;
  readonly unjudgedCount: number;
  /** Targets that call for the large model. */
  readonly lowCount: number;
  /** The share of tokens that labels call the large model for, those included that were not tried out. */
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
