/**
 * Presence and frequency penalties for a server that does not count the tokens of a window: for one row
 * they are biases of the tokens before it.
 */
import { penalises, type SamplingParams } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import { occurrences } from '../sampling/adjusted-logits.ts';

/** Whether every row has biases of its own then. */
export function subtracts(sampling: SamplingParams): boolean {
  const { presencePenalty, frequencyPenalty } = sampling;
  return penalises(sampling) && (presencePenalty !== 0 || frequencyPenalty !== 0);
}

/** @param before the text before the row */
export function withPenaltiesAsBiases(
  sampling: SamplingParams,
  before: readonly TokenId[],
): SamplingParams {
  const { presencePenalty, frequencyPenalty, penaltyWindow, logitBias } = sampling;
  const biases: Record<string, number> = { ...logitBias };
  for (const [id, count] of occurrences(before, penaltyWindow)) {
    biases[id] = (biases[id] ?? 0) - count * frequencyPenalty - presencePenalty;
  }
  return { ...sampling, presencePenalty: 0, frequencyPenalty: 0, logitBias: biases };
}

/** What such a server takes. */
export interface BiasLimits {
  readonly countMax: number;
  readonly valueMax: number;
}

/** As `RemoteModel.missingSampling`, of the largest biases that a row could have. */
export function missingBiases(
  sampling: SamplingParams,
  { countMax, valueMax }: BiasLimits,
): string | null {
  const { presencePenalty, frequencyPenalty, penaltyWindow, logitBias } = sampling;
  const given = Object.values(logitBias).map(Math.abs);
  const windowLength = subtracts(sampling) ? penaltyWindow : 0;
  const penalty = windowLength * Math.abs(frequencyPenalty) + Math.abs(presencePenalty);
  const largest = Math.max(0, ...given) + (windowLength > 0 ? penalty : 0);
  if (largest > valueMax) {
    const why = windowLength > 0 ? ', with the penalties of a whole window,' : '';
    return `it takes logit biases${why} up to ${valueMax}, not ${largest}`;
  }
  const count = given.length + windowLength;
  if (count <= countMax) return null;
  return `it takes ${countMax} biases and penalised tokens, not ${count}`;
}
