/**
 * What a strategy is expected to do for an answer, as numbers of forwards: what advice multiplies by
 * a machine's costs. Every method brings its own (strategy/cost-models.ts), so that
 * nothing here knows a strategy by name.
 */
import type { ModelRole } from '../core/model-id.ts';
import type { ForwardCosts, ForwardShape } from './forward-costs.ts';

/**
 * The number from 0 to 1 that the work depends on: the share of tokens that the large model writes,
 * or the share of drafts that hold, drafts of the small model or found in the text.
 */
export type CostParameter = 'share' | 'acceptance' | 'lookup-acceptance';

export interface AnswerLengths {
  readonly promptTokenCount: number;
  readonly answerTokenCount: number;
  /**
   * Share of the answer's tokens before which the text so far holds something to look up as a draft.
   * Absent: unknown, taken for 0.
   */
  readonly lookupHitRate?: number | undefined;
}

/** Forwards of one shape; `count` is an expectation and need not be whole. */
export interface ExpectedForwards {
  readonly model: ModelRole;
  readonly count: number;
  readonly shape: ForwardShape;
}

export interface ExpectedWork {
  readonly forwards: readonly ExpectedForwards[];
  /** Times that somebody waits for the large model: round trips, if it is behind a network. */
  readonly largeCallCount: number;
  /** Tokens of text behind each of those calls, added up: what an API reads that keeps nothing. */
  readonly largeContextTokenCount: number;
  /** What the strategy chose for itself, in words; null if there is nothing to choose. */
  readonly note: string | null;
}

export interface WorkPlan extends AnswerLengths {
  /** Of the model's parameter; 0 where it has none. */
  readonly value: number;
  /** For strategies that choose by cost. */
  readonly costs: Readonly<Record<ModelRole, ForwardCosts>>;
  readonly roundTripMs: number;
}

export interface CostModel {
  /** The strategy, and which way of it where there are several. */
  readonly name: string;
  readonly parameter: CostParameter | null;
  /** Whether entropies of the small model's rows are read. */
  readonly readsUncertainty: boolean;
  work(plan: WorkPlan): ExpectedWork;
}

/** Rows of a prefill's forwards. */
const PREFILL_ROW_COUNT = 256;

/** Reads all but the last token of a prompt, in the chunks that the engine uses. */
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
