import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawByWeight, plainDrawByWeight } from './draw-by-weight.ts';
import { noiseKey } from './noise.ts';

const anyWeight = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 3 }) },
  { weight: 4, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  { weight: 2, arbitrary: fc.double({ min: -80, max: 0, noNaN: true }).map(Math.exp) },
  { weight: 1, arbitrary: fc.double({ min: 0, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.MIN_VALUE, Number.MAX_VALUE, 2 ** -1022) },
);

describe('drawByWeight', () => {
  it('draws what the plain loop draws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(anyWeight, { minLength: 1, maxLength: 300 }),
          // The weights are so small that e^b loses precision.
          fc.array(fc.double({ min: 1e-316, max: 3e-314, noNaN: true }), {
            minLength: 1,
            maxLength: 9,
          }),
          fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 300 }),
        ),
        fc.maxSafeInteger(),
        fc.nat(),
        (weights, seed, position) => {
          const key = noiseKey(seed, position, 'residual');
          const row = Float64Array.from(weights);
          expect(drawByWeight(row, key)).toBe(plainDrawByWeight(row, key));
        },
      ),
      { numRuns: 5000 },
    );
  });

  it('draws the same over a long run of positions of a long row', () => {
    const row = Float64Array.from({ length: 3000 }, (_, id) => (id % 7) / (1 + id) ** 1.2);
    for (let position = 0; position < 2000; position += 1) {
      const key = noiseKey(3, position, 'sample');
      expect(drawByWeight(row, key)).toBe(plainDrawByWeight(row, key));
    }
  });

  it('treats a weight of NaN as 0, as the plain loop does', () => {
    const row = Float64Array.from([Number.NaN, 1, Number.NaN, 2]);
    for (let position = 0; position < 50; position += 1) {
      const key = noiseKey(3, position, 'sample');
      expect(drawByWeight(row, key)).toBe(plainDrawByWeight(row, key));
    }
  });
});
