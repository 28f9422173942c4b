/** Runs a row program over one row of logits. Pure; keeps no reference to the row. */
import { noiseKey } from '../core/noise.ts';
import type { RowProgram, RowResult } from '../core/row-program.ts';
import { tokenId } from '../core/token-id.ts';
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
  const size = program.vocabularySize;
  const choice = choose(logits, program, position);
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
      program.distribution === true ? processedDistribution(logits, size, program.sampling) : null,
  };
}

function choose(logits: Float32Array, program: RowProgram, position: number): number {
  const { sampling, vocabularySize: size } = program;
  if (sampling.temperature === 0) return argmax(logits, size);
  const key = noiseKey(program.seed, position, program.purpose);
  if (!truncates(sampling)) return drawFromAll(logits, size, sampling.temperature, key);
  return drawFrom(candidates(logits, size, sampling), logits, sampling.temperature, key);
}
