/** Compares the runs of one prompt: one row per strategy. */
import type { FinishReason } from '../../core/finish-reason.ts';
import { largeMethod } from '../../strategy/single-model.ts';
import { type Answer, tokensPerSecond } from './answer.ts';

/** The strategy whose text the other texts are compared with. */
const REFERENCE = largeMethod.name;

export interface ComparedAnswer {
  /** The strategy as the user wrote it. */
  readonly run: string;
  readonly answer: Answer;
}

export interface ComparisonRow {
  readonly run: string;
  readonly tokenCount: number;
  readonly largeShare: number;
  readonly verifiedShare: number;
  readonly stepCount: number | null;
  readonly rejectedShare: number | null;
  readonly smallForwards: number;
  readonly largeForwards: number;
  readonly weightTrafficRatio: number | null;
  readonly writtenFlopsRatio: number | null;
  readonly generatedFlopsRatio: number | null;
  readonly processedFlopsRatio: number | null;
  readonly elapsedMs: number;
  readonly tokensPerSecond: number;
  /** Null where `large` was not among the runs. */
  readonly sameTextAsLarge: boolean | null;
  readonly finishReason: FinishReason;
}

export function comparisonRows(compared: readonly ComparedAnswer[]): ComparisonRow[] {
  const reference = compared.find(({ run }) => run === REFERENCE)?.answer.summary.text ?? null;
  return compared.map(({ run, answer: { summary } }) => ({
    run,
    tokenCount: summary.tokenCount,
    largeShare: summary.largeShare,
    verifiedShare: summary.verifiedShare,
    stepCount: summary.stepCount,
    rejectedShare: summary.rejectedShare,
    smallForwards: summary.smallForwards,
    largeForwards: summary.largeForwards,
    weightTrafficRatio: summary.weightTrafficRatio,
    writtenFlopsRatio: summary.writtenFlopsRatio,
    generatedFlopsRatio: summary.generatedFlopsRatio,
    processedFlopsRatio: summary.processedFlopsRatio,
    elapsedMs: summary.elapsedMs,
    tokensPerSecond: tokensPerSecond(summary),
    sameTextAsLarge: reference === null ? null : summary.text === reference,
    finishReason: summary.finishReason,
  }));
}
