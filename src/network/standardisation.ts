/**
 * Brings each dimension of the input to mean 0 and deviation 1 over the training rows. A dimension
 * that never changes in these rows carries no information and becomes 0 everywhere.
 */
import { PilotfishError } from '../core/errors.ts';
import { halfValues } from '../core/half.ts';
import type { Dataset } from './dataset.ts';
import type { Numbers } from './matrix.ts';
import type { Steps } from './steps.ts';

export interface Standardisation {
  /** [inputSize] */
  readonly means: Float32Array;
  /** [inputSize] 1 / deviation; 0 for a dimension that does not change. */
  readonly factors: Float32Array;
}

/** The number of rows between two turns of the event loop. */
const PART = 256;

/**
 * The means and population deviations over `rows`.
 * @throws PilotfishError `training-diverged` if a feature is not finite
 */
export function* standardisationOf(dataset: Dataset, rows: Int32Array): Steps<Standardisation> {
  const { inputSize, features } = dataset;
  const known = halfValues();
  const means = new Float64Array(inputSize);
  const squares = new Float64Array(inputSize);
  for (let index = 0; index < rows.length; index += 1) {
    const start = (rows[index] as number) * inputSize;
    for (let unit = 0; unit < inputSize; unit += 1) {
      const value = known[features[start + unit] as number] as number;
      // Welford's update of the mean so far, and of the squares around it.
      const before = value - (means[unit] as number);
      means[unit] = (means[unit] as number) + before / (index + 1);
      squares[unit] = (squares[unit] as number) + before * (value - (means[unit] as number));
    }
    if (index % PART === PART - 1) yield;
  }
  const wrong = squares.findIndex((square) => !Number.isFinite(square));
  if (wrong >= 0) throw notFinite(dataset, rows, wrong);
  const factors = Float32Array.from(squares, (square) =>
    square > 0 ? 1 / Math.sqrt(square / rows.length) : 0,
  );
  return { means: Float32Array.from(means), factors };
}

/** Writes rows [from, from + count) of `rows` to `out`, [count x inputSize], standardised. */
export function standardise(
  dataset: Dataset,
  { means, factors }: Standardisation,
  rows: Int32Array,
  out: Numbers,
): void {
  const { inputSize, features } = dataset;
  const known = halfValues();
  for (let index = 0; index < rows.length; index += 1) {
    const from = (rows[index] as number) * inputSize;
    const to = index * inputSize;
    for (let unit = 0; unit < inputSize; unit += 1) {
      const value = known[features[from + unit] as number] as number;
      out[to + unit] = (value - (means[unit] as number)) * (factors[unit] as number);
    }
  }
}

function notFinite(
  { inputSize, features }: Dataset,
  rows: Int32Array,
  unit: number,
): PilotfishError {
  const isWrong = (row: number): boolean =>
    !Number.isFinite(halfValues()[features[row * inputSize + unit] as number]);
  const row = rows.find(isWrong) ?? -1;
  return new PilotfishError(
    'training-diverged',
    `Feature ${unit} of row ${row} is not a finite number.`,
    {
      remedy:
        "The small model's state has a number beyond half precision: train without that feature, " +
        'as with --no-hidden --top-logprobs 32, or delete readings.jsonl if a file was damaged.',
      fields: { row, unit },
    },
  );
}
