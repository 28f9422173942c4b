import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noiseKey, noiseUniform } from '../core/noise.ts';
import { drawFrom, drawFromAll } from './gumbel-draw.ts';

const MASKED = Number.NEGATIVE_INFINITY;

/** A row of a vocabulary, in a few shapes that real and broken models produce. */
function rowOf(shape: string, size: number, spread: number, seed: number): Float32Array {
  const key = noiseKey(seed, 0, 'coin');
  return Float32Array.from({ length: size }, (_, id) => {
    const level = (noiseUniform(key, id) - 0.5) * spread;
    if (shape === 'flat') return 1.5;
    if (shape === 'ties') return Math.round(level);
    if (shape === 'masked') return noiseUniform(key, id + size) < 0.3 && id > 0 ? MASKED : level;
    if (shape === 'peaked') return id === seed % size ? spread : level;
    return level;
  });
}

const anyRow = fc
  .record({
    shape: fc.constantFrom('plain', 'flat', 'ties', 'masked', 'peaked'),
    size: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 6, max: 2000 })),
    spread: fc.constantFrom(0.01, 1, 8, 30, 200, 10_000),
    seed: fc.nat(),
  })
  .map(({ shape, size, spread, seed }) => rowOf(shape, size, spread, seed));

const anyTemperature = fc.oneof(
  fc.double({ min: 0.05, max: 2, noNaN: true }),
  fc.double({ min: 2, max: 50, noNaN: true }),
);

describe('drawFromAll', () => {
  it('draws what the plain loop over all ids draws', () => {
    fc.assert(
      fc.property(anyRow, anyTemperature, fc.maxSafeInteger(), fc.nat(), (row, heat, seed, at) => {
        const key = noiseKey(seed, at, 'sample');
        expect(drawFromAll(row, row.length, heat, key)).toBe(drawFrom(row.keys(), row, heat, key));
      }),
      { numRuns: 1500 },
    );
  });

  it('draws the same over a long run of positions', () => {
    const row = rowOf('plain', 300, 12, 1);
    for (let position = 0; position < 1000; position += 1) {
      const key = noiseKey(77, position, 'sample');
      expect(drawFromAll(row, row.length, 0.8, key)).toBe(drawFrom(row.keys(), row, 0.8, key));
    }
  });

  it('does not read entries past the size', () => {
    const row = Float32Array.from([1, 2, 3, 1000, Number.NaN]);
    for (let position = 0; position < 200; position += 1) {
      expect(drawFromAll(row, 3, 1, noiseKey(1, position, 'sample'))).toBeLessThan(3);
    }
  });

  it('never draws a masked token', () => {
    const row = Float32Array.from([MASKED, 0, MASKED, -20, MASKED]);
    for (let position = 0; position < 500; position += 1) {
      const key = noiseKey(5, position, 'sample');
      expect(row[drawFromAll(row, row.length, 50, key)]).toBeGreaterThan(MASKED);
    }
  });

  it('becomes the argmax as the temperature falls, even if the division overflows', () => {
    const row = Float32Array.from([-30, -8, -2, -3]);
    for (const temperature of [1e-3, 1e-300, 1e-308, Number.MIN_VALUE]) {
      const key = noiseKey(5, 8, 'sample');
      expect(drawFromAll(row, row.length, temperature, key)).toBe(2);
    }
  });
});

describe('drawFrom', () => {
  it('draws one of the given ids', () => {
    const anyIds = fc.uniqueArray(fc.nat({ max: 99 }), { minLength: 1, maxLength: 10 });
    const row = rowOf('plain', 100, 20, 3);
    fc.assert(
      fc.property(anyIds, anyTemperature, fc.integer(), (ids, temperature, seed) => {
        const id = drawFrom(ids, row, temperature, noiseKey(seed, 1, 'sample'));
        expect(ids).toContain(id);
      }),
    );
  });

  it('keys the noise by token, so that removing other tokens does not change the draw', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat({ max: 49 }), (seed, dropped) => {
        const row = rowOf('plain', 50, 3, 4);
        const key = noiseKey(seed, 1, 'sample');
        const winner = drawFrom(row.keys(), row, 1, key);
        fc.pre(winner !== dropped);
        const rest = [...row.keys()].filter((id) => id !== dropped);
        expect(drawFrom(rest, row, 1, key)).toBe(winner);
      }),
    );
  });

  it('draws the first id, the most probable candidate, if every value overflows', () => {
    const row = [-30, -8, -2, -3];
    const key = noiseKey(5, 8, 'sample');
    expect(drawFrom([2, 3, 1, 0], row, Number.MIN_VALUE, key)).toBe(2);
  });
});
