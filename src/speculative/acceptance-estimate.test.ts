import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noiseKey, noiseUniform } from '../core/noise.ts';
import { AcceptanceEstimate } from './acceptance-estimate.ts';

/** Rounds of drafts whose acceptance is an independent coin. */
function observeRounds(
  estimate: AcceptanceEstimate,
  acceptance: number,
  options: { readonly length: number; readonly count: number; readonly seed: number },
): number {
  const values: number[] = [];
  for (let round = 0; round < options.count; round += 1) {
    const key = noiseKey(options.seed, round, 'accept');
    let accepted = 0;
    while (accepted < options.length && noiseUniform(key, accepted) < acceptance) accepted += 1;
    estimate.observe(accepted, options.length);
    if (round >= 100) values.push(estimate.value);
  }
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('AcceptanceEstimate', () => {
  it('starts from its prior', () => {
    expect(new AcceptanceEstimate(0.4, 6).value).toBeCloseTo(0.4, 12);
  });

  it('counts a rejected round as its accepted drafts and one failure, because the rest is unknown', () => {
    const early = new AcceptanceEstimate(0.5, 2);
    early.observe(1, 8);
    const exact = new AcceptanceEstimate(0.5, 2);
    exact.observe(1, 2);
    expect(early.value).toBe(exact.value);
    expect(early.value).toBeCloseTo((0.98 ** 2 + 1) / (2 * 0.98 ** 2 + 2), 12);
  });

  it('counts a round without rejection as successes only', () => {
    const estimate = new AcceptanceEstimate(0.5, 2);
    estimate.observe(3, 3);
    expect(estimate.value).toBeCloseTo((0.98 ** 3 + 3) / (2 * 0.98 ** 3 + 3), 12);
  });

  it('learns nothing from a round without drafts', () => {
    const estimate = new AcceptanceEstimate(0.3, 5);
    estimate.observe(0, 0);
    expect(estimate.value).toBeCloseTo(0.3, 12);
  });

  it.each([1, 2, 4, 8])(
    'finds the acceptance per draft in rounds of %d, without bias',
    (length) => {
      for (const acceptance of [0.2, 0.6, 0.9]) {
        const estimate = new AcceptanceEstimate(0.5, 6);
        const mean = observeRounds(estimate, acceptance, { length, count: 3000, seed: length });
        expect(Math.abs(mean - acceptance)).toBeLessThan(0.04);
      }
    },
  );

  it('forgets old evidence, so that it follows a change in the text', () => {
    const estimate = new AcceptanceEstimate(0.5, 6);
    for (let round = 0; round < 500; round += 1) estimate.observe(4, 4);
    expect(estimate.value).toBeGreaterThan(0.99);
    for (let round = 0; round < 150; round += 1) estimate.observe(0, 4);
    expect(estimate.value).toBeLessThan(0.1);
  });

  it('returns to its prior while no drafts are tried', () => {
    const estimate = new AcceptanceEstimate(0.75, 16);
    for (let round = 0; round < 200; round += 1) estimate.observe(0, 3);
    const given = estimate.value;
    estimate.relax();
    expect(estimate.value).toBeCloseTo(given + 0.05 * (0.75 - given), 12);
    for (let request = 0; request < 200; request += 1) estimate.relax();
    expect(estimate.value).toBeCloseTo(0.75, 3);
  });

  it('stays between 0 and 1, and moves towards its observations', () => {
    const anyRound = fc
      .integer({ min: 1, max: 8 })
      .chain((drafted) => fc.tuple(fc.integer({ min: 0, max: drafted }), fc.constant(drafted)));
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.array(anyRound, { maxLength: 50 }),
        (prior, rounds) => {
          const estimate = new AcceptanceEstimate(prior, 6);
          for (const [accepted, drafted] of rounds) {
            const before = estimate.value;
            estimate.observe(accepted, drafted);
            if (accepted === drafted) expect(estimate.value).toBeGreaterThanOrEqual(before - 1e-12);
            if (accepted === 0) expect(estimate.value).toBeLessThanOrEqual(before + 1e-12);
            expect(estimate.value).toBeGreaterThanOrEqual(0);
            expect(estimate.value).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });
});
