/**
 * Whether intervals hold the truth as often as they claim, on simulated worlds whose truth is
 * known, with fixed seeds. `npm run bench:intervals` is a larger study. With w worlds, the share of
 * hits of a true 95 % interval has the standard deviation sqrt(0.05 · 0.95 / w): 0.4 points for the
 * formulas, and 1.4 for the bootstrap, which has fewer worlds because it takes longer.
 */
import { describe, expect, it } from 'vitest';
import { coverage } from './fakes/coverage.ts';

describe('95 % intervals hold the truth in 93 to 97 % of the worlds', () => {
  it.each([
    ['share', null],
    ['share', 0.4],
    ['difference', null],
    ['difference', 0.4],
  ] as const)('%s, concordant ones answered: %s', (measured, concordantShare) => {
    const study = { worldCount: 3000, questionCount: 200, concordantShare, replicateCount: 0 };
    const { share } = coverage(study, measured);
    expect(share).toBeGreaterThan(0.93);
    expect(share).toBeLessThan(0.97);
  });
});

describe('bootstrapped 95 % intervals hold the truth up to the error of 250 worlds', () => {
  it.each(['bootstrapDifference', 'comparison', 'apgr'] as const)('%s', (measured) => {
    const size = { worldCount: 250, questionCount: 200, replicateCount: 199 };
    const { share } = coverage({ ...size, concordantShare: 0.4 }, measured);
    expect(Math.abs(share - 0.95)).toBeLessThan(3 * Math.sqrt((0.05 * 0.95) / 250));
  });
});
