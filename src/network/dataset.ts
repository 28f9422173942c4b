/** Rows of features in half precision, with the example of each row. */

import { PilotfishError } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';
import { shuffled } from './shuffle.ts';

export interface Dataset {
  readonly rowCount: number;
  readonly inputSize: number;
  /** [rowCount x inputSize] halves (core/half.ts). */
  readonly features: Uint16Array;
  /** [rowCount] the example of each row, as a number of the caller's choice. */
  readonly groups: Int32Array;
}

/** Rows on two sides. */
export interface Split {
  readonly training: Int32Array;
  readonly validation: Int32Array;
}

/** @throws InvariantError if sizes do not fit */
export function checkDataset({ rowCount, inputSize, features, groups }: Dataset): void {
  invariant(features.length === rowCount * inputSize, 'features are rows of the input size');
  invariant(groups.length === rowCount, 'each row has a group');
}

/**
 * Chooses examples for validation. All rows of an example are on one side, because its tokens are
 * alike: otherwise validation would reward memorising them.
 * @param validationShare of the examples, in (0, 1); at least one example is on each side
 * @returns rows in ascending order
 * @throws PilotfishError `training-data-insufficient` with fewer than two examples
 */
export function splitByGroup(groups: Int32Array, validationShare: number, seed: number): Split {
  invariant(validationShare > 0 && validationShare < 1, 'a share of validation is in (0, 1)');
  const examples = Int32Array.from(new Set(groups)).sort();
  if (examples.length < 2) throw tooFew(groups.length, examples.length);
  const wanted = Math.round(validationShare * examples.length);
  const count = Math.min(Math.max(wanted, 1), examples.length - 1);
  const chosen = new Set(shuffled(examples, seed, 'split').subarray(0, count));
  const rows = Int32Array.from(groups, (_, row) => row);
  return {
    training: rows.filter((row) => !chosen.has(groups[row] as number)),
    validation: rows.filter((row) => chosen.has(groups[row] as number)),
  };
}

function tooFew(rowCount: number, exampleCount: number): PilotfishError {
  const seen = rowCount === 0 ? 'There are no rows' : 'All rows are of one example';
  return new PilotfishError(
    'training-data-insufficient',
    `${seen}: nothing is left to validate a training with.`,
    { remedy: 'Collect rows of at least two examples.', fields: { rowCount, exampleCount } },
  );
}
