/** Runs a row program over one row of logits. Pure; keeps no reference to the row. */

import { PilotfishError } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';
import { noiseKey } from '../core/noise.ts';
import type { RowProgram, RowResult } from '../core/row-program.ts';
import { TOP_LOGPROBS_MAX } from '../core/row-reads.ts';
import { penalises } from '../core/sampling-params.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import { adjustedLogits, maskedLogits } from './adjusted-logits.ts';
import { truncates } from './candidates.ts';
import { drawFrom } from './gumbel-draw.ts';
import type { LogitRow } from './logit-row.ts';
import { openRow } from './open-row.ts';
import { RowReader } from './row-reader.ts';

/**
 * @param logits at least `program.vocabularySize` entries
 * @param position of the token being decided: the row's own position + 1
 * @param open the way through a row; tests and benchmarks compare them
 * @throws PilotfishError `grammar-stuck` if the program's mask allows no token, `native-failed` if
 *   the logit of the chosen token is NaN
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
  const reader = new RowReader(open, size);
  const row = reader.row(adjusted);
  const isStuck = mask !== null && adjusted[row.argmax()] === Number.NEGATIVE_INFINITY;
  if (isStuck) throw adjusted.some(Number.isNaN) ? brokenError(position) : stuckError(position);
  const choice = choose(row, adjusted, program, position);
  // If all logits are NaN, a draw may find no token at all.
  if (Number.isNaN(adjusted[choice] ?? Number.NaN)) throw brokenError(position);
  const distribution = program.distribution === true ? row.distribution(sampling) : null;
  // Before bias and penalties. Uncertainty is that of the allowed tokens, log-probabilities are those
  // of the model itself.
  const allowed = program.uncertainty === true ? reader.statistics(masked) : null;
  const { topLogprobs: count = 0 } = program;
  const topLogprobs = count === 0 ? null : largestLogprobs(reader, masked, count);
  const logprobOf = (id: number): number => logprobAt(reader, logits, id);
  return {
    tokenId: tokenId(choice),
    logprob: program.logprob === true ? logprobOf(choice) : null,
    entropy: allowed?.entropy ?? null,
    margin: allowed?.margin ?? null,
    topLogprobs,
    textLogprob: program.textLogprob === true ? logprobOf(tokenAt(program, position)) : null,
    tokenLogprobs:
      program.tokenLogprobs === true ? Float32Array.from(scoredTokens(program), logprobOf) : null,
    ...(program.perturbation === true ? perturbationOf(reader, adjusted, choice) : UNPERTURBED),
    distribution,
  };
}

type Perturbation = Pick<RowResult, 'logitGap' | 'logPartitions'>;

const UNPERTURBED: Perturbation = { logitGap: null, logPartitions: null };

function perturbationOf(reader: RowReader, logits: Float32Array, choice: number): Perturbation {
  const row = reader.row(logits);
  const max = logits[row.argmax()] as number;
  return { logitGap: max - (logits[choice] as number), logPartitions: row.logPartitions() };
}

/** [count] in nats, descending. Minus infinity stands for missing tokens. */
function largestLogprobs(reader: RowReader, logits: Float32Array, count: number): Float32Array {
  const isCount = Number.isSafeInteger(count) && count >= 1 && count <= TOP_LOGPROBS_MAX;
  invariant(isCount, `${count} log-probabilities cannot be asked for`);
  const largest = new Float32Array(count).fill(Number.NEGATIVE_INFINITY);
  const ids = reader.row(logits).candidates({ topK: count, topP: 1, minP: 0, temperature: 1 });
  for (const [rank, id] of ids.entries()) largest[rank] = logprobAt(reader, logits, id);
  return largest;
}

/** The log-probability of one token, in nats. Ids that do not exist cannot come. */
function logprobAt(reader: RowReader, logits: Float32Array, id: number): number {
  if (id >= reader.size) return Number.NEGATIVE_INFINITY;
  return (logits[id] as number) - reader.statistics(logits).logSumExp;
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

/** All entries are NaN if a sum inside the model overflowed or its weights are damaged. */
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

/** The token of the program's text at the position that a row decides. */
function tokenAt({ text }: RowProgram, position: number): TokenId {
  const token = text?.[position];
  invariant(token !== undefined, `the text ends before position ${position + 1}`);
  return token;
}

function scoredTokens({ scoredTokens: tokens }: RowProgram): readonly TokenId[] {
  invariant(tokens !== undefined, 'the program names no tokens to score');
  return tokens;
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
