/**
 * Do intervals hold the truth as often as they say? Drawn worlds of which the truth is known, with fixed
 * seeds; a larger study is `npm run bench:intervals`. With w worlds the share of hits of a true 95 %
 * interval has the standard deviation sqrt(0.05 · 0.95 / w); three of these are allowed.
 */
import { describe, expect, it } from 'vitest';
import { coverage } from './fakes/coverage.ts';

const formula = { worldCount: 1000, questionCount: 200, replicateCount: 0 };
const resampled = { worldCount: 250, questionCount: 200, replicateCount: 199 };

describe('95 % intervals hold the truth in 95 % of the worlds', () => {
  it.each([
    ['share', { ...formula, concordantShare: null }],
    ['share', { ...formula, concordantShare: 0.4 }],
    ['difference', { ...formula, concordantShare: null }],
    ['difference', { ...formula, concordantShare: 0.4 }],
    ['bootstrapDifference', { ...resampled, concordantShare: 0.4 }],
    ['comparison', { ...resampled, concordantShare: 0.4 }],
    ['apgr', { ...resampled, concordantShare: 0.4 }],
  ] as const)('%s %o', (measured, study) => {
    const { share } = coverage(study, measured);
    const deviation = Math.sqrt((0.05 * 0.95) / study.worldCount);
    expect(Math.abs(share - 0.95)).toBeLessThan(3 * deviation);
  });
});
