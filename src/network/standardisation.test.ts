import { describe, expect, it } from 'vitest';
import { toHalf } from '../core/half.ts';
import { standardisationOf, standardise } from './standardisation.ts';
import { atOnce } from './steps.ts';

/** Two features; the second never changes among the first four rows. */
const dataset = {
  rowCount: 5,
  inputSize: 2,
  features: toHalf(Float32Array.of(1, 7, 3, 7, 5, 7, 7, 7, 100, 8)),
  groups: new Int32Array(5),
};
const rows = Int32Array.of(0, 1, 2, 3);

describe('standardisation', () => {
  it('brings the rows that it was computed from to mean 0 and deviation 1', () => {
    const standardisation = atOnce(standardisationOf(dataset, rows));
    // Of 1, 3, 5, 7 the mean is 4 and the variance 5.
    expect([...standardisation.means]).toEqual([4, 7]);
    expect([...standardisation.factors]).toEqual([Math.fround(1 / Math.sqrt(5)), 0]);
  });

  it('serves other rows too, with 0 for a dimension that did not change', () => {
    const standardisation = atOnce(standardisationOf(dataset, rows));
    const out = new Float64Array(4).fill(9);
    standardise(dataset, standardisation, Int32Array.of(4, 0), out);
    expect([...out]).toEqual(
      [96, 0, -3, 0].map((value) => expect.closeTo(value / Math.sqrt(5), 5)),
    );
  });
});
