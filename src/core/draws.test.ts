import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededDraws } from './draws.ts';

/** Six standard deviations: a sound generator fails once in a hundred million fixed seeds. */
const DEVIATIONS_MAX = 6;
const COUNT = 20_000;

function deviationsOfShare(hits: number, probability: number): number {
  const spread = Math.sqrt(COUNT * probability * (1 - probability));
  return Math.abs(hits - COUNT * probability) / spread;
}

function countHits(hit: (position: number) => boolean): number {
  let hits = 0;
  for (let position = 0; position < COUNT; position += 1) if (hit(position)) hits += 1;
  return hits;
}

describe('accepts', () => {
  it.each([0.001, 0.1, 0.5, 0.9])('is true with probability %d', (probability) => {
    const draws = seededDraws(3);
    const hits = countHits((position) => draws.accepts(probability, position));
    expect(deviationsOfShare(hits, probability)).toBeLessThan(DEVIATIONS_MAX);
  });

  it('is certain at the ends', () => {
    const draws = seededDraws(4);
    expect(countHits((position) => draws.accepts(0, position))).toBe(0);
    expect(countHits((position) => draws.accepts(1, position))).toBe(COUNT);
  });

  it('accepts at a higher probability everything that it accepts at a lower one', () => {
    const two = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat());
    fc.assert(
      fc.property(fc.integer(), two, fc.double({ min: 0, max: 1, noNaN: true }), (seed, a, b) => {
        const [probability, position] = a;
        const draws = seededDraws(seed);
        const [low, high] = [Math.min(probability, b), Math.max(probability, b)];
        if (draws.accepts(low, position)) expect(draws.accepts(high, position)).toBe(true);
      }),
    );
  });
});

describe('uniform', () => {
  it('lies strictly between 0 and 1 and depends on seed, position and purpose', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(), (seed, position) => {
        const value = seededDraws(seed).uniform(position, 'coin');
        expect(value > 0 && value < 1).toBe(true);
        expect(seededDraws(seed).uniform(position, 'coin')).toBe(value);
      }),
    );
    const draws = seededDraws(1);
    const values = [
      draws.uniform(0, 'coin'),
      draws.uniform(1, 'coin'),
      draws.uniform(0, 'accept'),
      seededDraws(2).uniform(0, 'coin'),
    ];
    expect(new Set(values).size).toBe(values.length);
  });
});

describe('categorical', () => {
  it('draws each index in proportion to its weight', () => {
    const weights = Float64Array.from([4, 0, 1, 0.5, 2, 0, 0.5]);
    const draws = seededDraws(9);
    const counts = new Float64Array(weights.length);
    for (let position = 0; position < COUNT; position += 1) {
      const id = draws.categorical(weights, position, 'residual');
      counts[id] = (counts[id] ?? 0) + 1;
    }
    for (const [id, weight] of weights.entries()) {
      if (weight === 0) expect(counts[id]).toBe(0);
      else expect(deviationsOfShare(counts[id] ?? 0, weight / 8)).toBeLessThan(DEVIATIONS_MAX);
    }
  });

  it('never draws an index of weight zero, however small the other weights are', () => {
    const anyWeight = fc.oneof(
      fc.constant(0),
      fc.constant(Number.MIN_VALUE),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1e300, noNaN: true }),
    );
    fc.assert(
      fc.property(
        fc.array(anyWeight, { minLength: 1, maxLength: 12 }),
        fc.maxSafeInteger(),
        fc.nat({ max: 100_000 }),
        (weights, seed, position) => {
          fc.pre(weights.some((weight) => weight > 0));
          const draws = seededDraws(seed);
          const id = draws.categorical(Float64Array.from(weights), position, 'sample');
          expect(weights[id]).toBeGreaterThan(0);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is independent of the acceptance draw at the same position', () => {
    const draws = seededDraws(12);
    const weights = Float64Array.from([1, 1]);
    const both = countHits(
      (position) =>
        draws.accepts(0.5, position) && draws.categorical(weights, position, 'residual') === 0,
    );
    expect(deviationsOfShare(both, 0.25)).toBeLessThan(DEVIATIONS_MAX);
  });
});
