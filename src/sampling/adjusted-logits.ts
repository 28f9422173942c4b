/**
 * The sampling steps that change single logits: logit bias, then penalties over the tokens before the
 * draw. They come before all other steps and apply to greedy choices too.
 */
import { penalises, type SamplingParams } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';

/**
 * The logits of the tokens that a grammar's mask allows; minus infinity for all others. The mask
 * comes before bias and penalties, but its place does not matter: no step lifts minus infinity.
 */
export function maskedLogits(
  logits: Float32Array,
  size: number,
  mask: Int32Array | null,
): Float32Array {
  if (mask === null) return logits;
  const masked = logits.slice(0, size);
  for (let start = 0; start < size; start += WORD_BITS) {
    const word = mask[start / WORD_BITS] as number;
    // Most words allow all of their tokens or none.
    if (word === -1) continue;
    const end = Math.min(size, start + WORD_BITS);
    if (word === 0) masked.fill(Number.NEGATIVE_INFINITY, start, end);
    else maskWord(masked, word, start, end);
  }
  return masked;
}

const WORD_BITS = 32;

function maskWord(masked: Float32Array, word: number, start: number, end: number): void {
  for (let id = start; id < end; id += 1) {
    if (((word >>> (id - start)) & 1) === 0) masked[id] = Number.NEGATIVE_INFINITY;
  }
}

/**
 * @param before the tokens before the draw: the whole text, or at least the penalty window
 * @returns the logits themselves if nothing changes them, else a copy of the first `size`
 */
export function adjustedLogits(
  logits: Float32Array,
  size: number,
  params: SamplingParams,
  before: readonly TokenId[],
): Float32Array {
  const biases = Object.entries(params.logitBias);
  const counts = penalises(params) ? occurrences(before, params.penaltyWindow) : NOTHING;
  if (biases.length === 0 && counts.size === 0) return logits;
  const adjusted = logits.slice(0, size);
  for (const [id, bias] of biases) {
    if (Number(id) < size) adjusted[Number(id)] = (adjusted[Number(id)] as number) + bias;
  }
  for (const [id, count] of counts) {
    if (id < size) adjusted[id] = penalised(adjusted[id] as number, count, params);
  }
  return adjusted;
}

const NOTHING: ReadonlyMap<TokenId, number> = new Map();

/** How often tokens occur among the last `window`, which is at least 1. */
export function occurrences(before: readonly TokenId[], window: number): Map<TokenId, number> {
  const counts = new Map<TokenId, number>();
  for (const id of before.slice(-window)) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

function penalised(logit: number, count: number, params: SamplingParams): number {
  const { repetitionPenalty, frequencyPenalty, presencePenalty } = params;
  const scaled = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
  return scaled - count * frequencyPenalty - presencePenalty;
}
