/** Runs a row program over one row of logits. Pure; keeps no reference to the row. */

import { invariant } from '../core/invariant.ts';
import { noiseKey } from '../core/noise.ts';
import type { RowProgram, RowResult } from '../core/row-program.ts';
import { penalises } from '../core/sampling-params.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import { adjustedLogits } from './adjusted-logits.ts';
import { truncates } from './candidates.ts';
import { drawFrom } from './gumbel-draw.ts';
import type { LogitRow } from './logit-row.ts';
import { openRow } from './open-row.ts';

/**
 * @param logits at least `program.vocabularySize` entries
 * @param position of the token being decided: the row's own position + 1
 * @param open tests and benchmarks compare ways through a row
 */
export function runRowProgram(
  logits: Float32Array,
  program: RowProgram,
  position: number,
  open: (logits: Float32Array, size: number) => LogitRow = openRow,
): Omit<RowResult, 'hidden'> {
  const { sampling, vocabularySize: size } = program;
  const adjusted = adjustedLogits(logits, size, sampling, textBefore(program, position));
  const row = open(adjusted, size);
  const choice = choose(row, adjusted, program, position);
  const distribution = program.distribution === true ? row.distribution(sampling) : null;
  // Of the model's own distribution: the row before it was adjusted. Opening it ends the other one.
  const wantsStatistics = program.logprob === true || program.uncertainty === true;
  const own = !wantsStatistics || adjusted === logits ? row : open(logits, size);
  const statistics = wantsStatistics ? own.statistics() : null;
  return {
    choice: tokenId(choice),
    logprob:
      statistics !== null && program.logprob === true
        ? (logits[choice] as number) - statistics.logSumExp
        : null,
    entropy: program.uncertainty === true ? (statistics?.entropy ?? null) : null,
    margin: program.uncertainty === true ? (statistics?.margin ?? null) : null,
    distribution,
  };
}

function textBefore({ sampling, text }: RowProgram, position: number): readonly TokenId[] {
  if (!penalises(sampling)) return [];
  invariant(text !== undefined, 'penalties need the text before the row');
  invariant(text.length >= position, `the text ends before position ${position}`);
  return text.slice(Math.max(0, position - sampling.penaltyWindow), position);
}

function choose(
  row: LogitRow,
  logits: Float32Array,
  program: RowProgram,
  position: number,
): number {
  const { sampling } = program;
  if (sampling.temperature === 0) return row.argmax();
  const key = noiseKey(program.seed, position, program.purpose);
  if (!truncates(sampling)) return row.draw(sampling.temperature, key);
  return drawFrom(row.candidates(sampling), logits, sampling.temperature, key);
}
