/**
 * The expected work of a strategy for an answer, as numbers of forwards. Advice multiplies it by the
 * costs of a machine. Every method brings its own cost model (strategy/cost-models.ts), so that
 * nothing here knows a strategy by name.
 */
import type { ModelRole } from '../core/model-id.ts';
import type { ForwardCosts, ForwardShape } from './forward-costs.ts';

/**
 * The number from 0 to 1 that the work depends on: the share of tokens that the large model writes,
 * or the share of drafts that hold, whether the small model or the text provides the drafts.
 */
export type CostParameter = 'share' | 'acceptance' | 'lookup-acceptance';

export interface AnswerLengths {
  readonly promptTokenCount: number;
  readonly answerTokenCount: number;
  /**
   * The share of the answer's tokens before which the text contains a draft to look up. Absent:
   * unknown, counted as 0.
   */
  readonly lookupHitRate?: number | undefined;
}

/** Forwards of one shape. `count` is an expectation and need not be an integer. */
export interface ExpectedForwards {
  readonly model: ModelRole;
  readonly count: number;
  readonly shape: ForwardShape;
  /**
   * Whether its output rows only score tokens that are there already. Default: a forward with output
   * rows writes one token.
   */
  readonly isReward?: boolean;
}

export interface ExpectedWork {
  readonly forwards: readonly ExpectedForwards[];
  /** The number of waits for the large model: round trips, if it is behind a network. */
  readonly largeCallCount: number;
  /**
   * The total length of the text over these calls: the tokens that an API reads if it keeps no
   * sequence.
   */
  readonly largeContextTokenCount: number;
  /** The choice that the strategy made itself, in words; null if there is nothing to choose. */
  readonly note: string | null;
}

export interface WorkPlan extends AnswerLengths {
  /** The value of the model's parameter; 0 if it has none. */
  readonly value: number;
  /** For strategies that choose by cost. */
  readonly costs: Readonly<Record<ModelRole, ForwardCosts>>;
  readonly roundTripMs: number;
}

export interface CostModel {
  /** The strategy, with its variant if there are several. */
  readonly name: string;
  readonly parameter: CostParameter | null;
  /** Whether it reads values off the small model's logits, which takes a pass over the vocabulary. */
  readonly readsLogits: boolean;
  work(plan: WorkPlan): ExpectedWork;
}

/** The number of rows of a prefill's forwards. */
const PREFILL_ROW_COUNT = 256;

/** Reads all but the last token of a prompt, in chunks of the engine's size. */
export function prefill(
  model: ModelRole,
  promptTokenCount: number,
  count = 1,
): readonly ExpectedForwards[] {
  const forwards: ExpectedForwards[] = [];
  for (let cached = 0; cached < promptTokenCount - 1; cached += PREFILL_ROW_COUNT) {
    const rowCount = Math.min(PREFILL_ROW_COUNT, promptTokenCount - 1 - cached);
    forwards.push({
      model,
      count,
      shape: { rowCount, outputRowCount: 0, cachedTokenCount: cached },
    });
  }
  return forwards;
}
