/** Runs a row program over one row of logits. Pure; keeps no reference to the row. */

import { PilotfishError } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';
import { noiseKey } from '../core/noise.ts';
import type { RowProgram, RowResult } from '../core/row-program.ts';
import { penalises } from '../core/sampling-params.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import { adjustedLogits, maskedLogits } from './adjusted-logits.ts';
import { truncates } from './candidates.ts';
import { drawFrom } from './gumbel-draw.ts';
import type { LogitRow } from './logit-row.ts';
import { openRow } from './open-row.ts';
import type { RowStatistics } from './row-statistics.ts';

/**
 * @param logits at least `program.vocabularySize` entries
 * @param position of the token being decided: the row's own position + 1
 * @param open tests and benchmarks compare ways through a row
 * @throws PilotfishError `grammar-stuck` if the program's mask allows no token, `native-failed` if
 *   what would be chosen is not a number
 */
export function runRowProgram(
  logits: Float32Array,
  program: RowProgram,
  position: number,
  open: (logits: Float32Array, size: number) => LogitRow = openRow,
): Omit<RowResult, 'hidden'> {
  const { sampling, vocabularySize: size } = program;
  const mask = maskOf(program, position);
  const masked = maskedLogits(logits, size, mask);
  const adjusted = adjustedLogits(masked, size, sampling, textBefore(program, position));
  const row = open(adjusted, size);
  const isStuck = mask !== null && adjusted[row.argmax()] === Number.NEGATIVE_INFINITY;
  if (isStuck) throw adjusted.some(Number.isNaN) ? brokenError(position) : stuckError(position);
  const choice = choose(row, adjusted, program, position);
  // Where nothing is a number, a draw may find no token at all.
  if (Number.isNaN(adjusted[choice] ?? Number.NaN)) throw brokenError(position);
  const distribution = program.distribution === true ? row.distribution(sampling) : null;
  // Opening another row ends the one before.
  let last = { logits: adjusted, row };
  const statistics = (of: Float32Array): RowStatistics => {
    if (last.logits !== of) last = { logits: of, row: open(of, size) };
    return last.row.statistics();
  };
  // Before bias and penalties: uncertainty about what may be written, log-probability of the model's own.
  const allowed = program.uncertainty === true ? statistics(masked) : null;
  const isOwn = allowed !== null && masked === logits;
  const own = program.logprob !== true ? null : isOwn ? allowed : statistics(logits);
  return {
    choice: tokenId(choice),
    logprob: own === null ? null : (logits[choice] as number) - own.logSumExp,
    entropy: allowed?.entropy ?? null,
    margin: allowed?.margin ?? null,
    distribution,
  };
}

function maskOf({ masks }: RowProgram, position: number): Int32Array | null {
  if (masks === undefined) return null;
  const mask = masks.get(position);
  invariant(mask !== undefined, `the grammar has no mask for position ${position}`);
  return mask;
}

function stuckError(position: number): PilotfishError {
  return new PilotfishError(
    'grammar-stuck',
    `The grammar allows no token of this vocabulary at position ${position}.`,
    {
      remedy: 'Give a grammar that the model can write: it lacks a character, or an end token.',
      fields: { position },
    },
  );
}

/** All entries are, where a sum inside the model overflowed or its weights are damaged. */
function brokenError(position: number): PilotfishError {
  return new PilotfishError(
    'native-failed',
    `The model's output is not a number at position ${position}.`,
    {
      remedy: 'The model file may be damaged, or made for another build: try another one.',
      fields: { position },
    },
  );
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
