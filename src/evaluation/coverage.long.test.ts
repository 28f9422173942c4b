/**
 * Do intervals hold the truth as often as they say? Drawn worlds of which the truth is known, with fixed
 * seeds; a larger study is `npm run bench:intervals`. With w worlds the share of hits of a true 95 %
 * interval has the standard deviation sqrt(0.05 · 0.95 / w): 0.4 points of the formulas, 1.4 of the
 * bootstrap, of which there are fewer worlds for its time.
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

describe('bootstrapped 95 % intervals hold it up to the error of 250 worlds', () => {
  it.each(['bootstrapDifference', 'comparison', 'apgr'] as const)('%s', (measured) => {
    const size = { worldCount: 250, questionCount: 200, replicateCount: 199 };
    const { share } = coverage({ ...size, concordantShare: 0.4 }, measured);
    expect(Math.abs(share - 0.95)).toBeLessThan(3 * Math.sqrt((0.05 * 0.95) / 250));
  });
});
