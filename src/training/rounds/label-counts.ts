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
}

export function labelCounts(labelled: readonly LabelledExample[]): LabelCounts {
  const targets = labelled.flatMap((one) => one.targets);
  const count = (holds: (target: (typeof targets)[number]) => boolean): number =>
    targets.filter(holds).length;
  return {
    tokenCount: targets.length,
    targetCount: count(({ value }) => value !== null),
    agreeCount: count(({ labelCase }) => labelCase === 'agree'),
    settledCount: count(({ labelCase }) => labelCase === 'large-right'),
    rolledOutCount: count(({ labelCase }) => labelCase === 'rolled-out'),
    unjudgedCount: count(({ labelCase }) => labelCase === 'unjudged'),
    lowCount: count(({ value }) => value !== null && value < TARGET_MIDDLE),
  };
}
