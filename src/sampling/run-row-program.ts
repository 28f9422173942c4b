/** Runs a row program over one row of logits. Pure; keeps no reference to the row. */

import { invariant } from '../core/invariant.ts';
import { noiseKey } from '../core/noise.ts';
import type { RowProgram, RowResult } from '../core/row-program.ts';
import { penalises } from '../core/sampling-params.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import { adjustedLogits } from './adjusted-logits.ts';
import { candidates, truncates } from './candidates.ts';
import { processedDistribution } from './distribution.ts';
import { drawFrom, drawFromAll } from './gumbel-draw.ts';
import { argmax, rowStatistics } from './row-statistics.ts';

/**
 * @param logits at least `program.vocabularySize` entries
 * @param position of the token being decided: the row's own position + 1
 */
export function runRowProgram(
  logits: Float32Array,
  program: RowProgram,
  position: number,
): Omit<RowResult, 'hidden'> {
  const { sampling, vocabularySize: size } = program;
  const adjusted = adjustedLogits(logits, size, sampling, textBefore(program, position));
  const choice = choose(adjusted, program, position);
  const statistics =
    program.logprob === true || program.uncertainty === true ? rowStatistics(logits, size) : null;
  return {
    choice: tokenId(choice),
    logprob:
      statistics !== null && program.logprob === true
        ? (logits[choice] as number) - statistics.logSumExp
        : null,
    entropy: program.uncertainty === true ? (statistics?.entropy ?? null) : null,
    margin: program.uncertainty === true ? (statistics?.margin ?? null) : null,
    distribution:
      program.distribution === true ? processedDistribution(adjusted, size, sampling) : null,
  };
}

function textBefore({ sampling, text }: RowProgram, position: number): readonly TokenId[] {
  if (!penalises(sampling)) return [];
  invariant(text !== undefined, 'penalties need the text before the row');
  invariant(text.length >= position, `the text ends before position ${position}`);
  return text.slice(Math.max(0, position - sampling.penaltyWindow), position);
}

function choose(logits: Float32Array, program: RowProgram, position: number): number {
  const { sampling, vocabularySize: size } = program;
  if (sampling.temperature === 0) return argmax(logits, size);
  const key = noiseKey(program.seed, position, program.purpose);
  if (!truncates(sampling)) return drawFromAll(logits, size, sampling.temperature, key);
  return drawFrom(candidates(logits, size, sampling), logits, sampling.temperature, key);
}
