/** What requests used, as clients of the OpenAI API read it, and as this program counts it. */
import type { RunCost, StartEvent, SummaryEvent } from '../../core/events.ts';

export interface Usage {
  readonly prompt_tokens: number;
  /** Tokens that were emitted, the end of generation included: rejected drafts are not in it. */
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
  readonly completion_tokens_details: {
    /** Emitted tokens of the small model that the large one checked. */
    readonly accepted_prediction_tokens: number;
    /** Tokens that a model wrote and that were not emitted. */
    readonly rejected_prediction_tokens: number;
  };
}

/** One answer. */
export interface Used {
  readonly start: StartEvent;
  readonly summary: SummaryEvent;
}

/**
 * Of all answers of a request together. Each prompt counts once.
 * @param answers those to one prompt side by side
 * @param answersPerPrompt their number
 */
export function usageOf(answers: readonly Used[], answersPerPrompt: number): Usage {
  const firsts = answers.filter((_, index) => index % answersPerPrompt === 0);
  const promptTokens = firsts.reduce((all, { start }) => all + start.promptTokenCount, 0);
  const completionTokens = sum(answers, ({ tokenCount }) => tokenCount);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: sum(firsts, (cost) => cost.reusedRowCount) },
    completion_tokens_details: {
      accepted_prediction_tokens: sum(answers, acceptedCount),
      rejected_prediction_tokens: sum(answers, rejectedCount),
    },
  };
}

function acceptedCount({ verifiedShare, tokenCount }: RunCost): number {
  return Math.round(verifiedShare * tokenCount);
}

function rejectedCount({ models, tokenCount }: RunCost): number {
  const written = Object.values(models).reduce((all, one) => all + one.writtenTokenCount, 0);
  return Math.max(0, written - tokenCount);
}

function sum(answers: readonly Used[], count: (cost: RunCost) => number): number {
  return answers.reduce((all, { summary }) => all + count(summary), 0);
}

/** The object `pilotfish` of an answer. */
export interface Accounting {
  readonly strategy: string;
  readonly large_share: number;
  readonly calls: { readonly small: number; readonly large: number };
  /** To the large model alone; null: there is no large model. */
  readonly ratios: {
    readonly weight_traffic: number | null;
    readonly written_flops: number | null;
    readonly generated_flops: number | null;
    readonly processed_flops: number | null;
  };
  readonly price: number | null;
  readonly notes: readonly string[];
}

export function accountingOf({ start, summary }: Used): Accounting {
  return {
    strategy: start.strategy,
    large_share: summary.largeShare,
    calls: { small: summary.smallForwards, large: summary.largeForwards },
    ratios: {
      weight_traffic: summary.weightTrafficRatio,
      written_flops: summary.writtenFlopsRatio,
      generated_flops: summary.generatedFlopsRatio,
      processed_flops: summary.processedFlopsRatio,
    },
    price: summary.price,
    notes: summary.notes,
  };
}
