/**
 * Draws as a model on this machine does, from the largest log-probabilities alone. It is exact where the
 * request itself keeps no more tokens than that: top-k comes first of all steps that cut the distribution.
 */
import type { RowProgram } from '../core/row-program.ts';
import { penalises, type SamplingParams } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import { runRowProgram } from '../sampling/run-row-program.ts';
import type { ServedToken } from './dialect.ts';

/** Whether the largest `topCount` log-probabilities decide a draw with these parameters. */
export function isDecidedByTop(sampling: SamplingParams, topCount: number): boolean {
  const { temperature, topK, logitBias } = sampling;
  // A bias may lift a token from anywhere, and a penalty lowers some.
  const isPlain = Object.keys(logitBias).length === 0 && !penalises(sampling);
  return temperature > 0 && topK > 0 && topK <= topCount && isPlain;
}

export interface TopDraw {
  readonly tokenId: TokenId;
  /** [vocabularySize] null unless the program asks for it. */
  readonly distribution: Float64Array | null;
}

/**
 * @param position of the token that is decided
 * @returns also the whole distribution after the sampling steps, in which other tokens have no mass
 */
export function drawFromTop(
  { top }: Pick<ServedToken, 'top'>,
  program: Pick<RowProgram, 'vocabularySize' | 'sampling' | 'seed' | 'purpose' | 'distribution'>,
  position: number,
): TopDraw {
  const logits = new Float32Array(program.vocabularySize).fill(Number.NEGATIVE_INFINITY);
  for (const [id, logprob] of top) logits[id] = logprob;
  const { tokenId, distribution } = runRowProgram(logits, program, position);
  return { tokenId, distribution };
}
