/**
 * Do intervals hold the truth as often as they say? Drawn worlds of which the truth is known, with fixed
 * seeds. With w worlds the share varies by sqrt(0.05 · 0.95 / w): 0.007 and 0.011 below.
 */
import { describe, expect, it } from 'vitest';
import { coverage } from './fakes/coverage.ts';

const formula = { worldCount: 1000, questionCount: 300, replicateCount: 0 };
const resampled = { worldCount: 400, questionCount: 300, replicateCount: 300 };

describe('95 % intervals hold the truth in 93 to 97 % of the worlds', () => {
  it.each([
    ['share', { ...formula, concordantShare: null }],
    ['share', { ...formula, concordantShare: 0.4 }],
    ['difference', { ...formula, concordantShare: null }],
    ['difference', { ...formula, concordantShare: 0.4 }],
    ['bootstrapDifference', { ...resampled, concordantShare: 0.4 }],
    ['comparison', { ...resampled, concordantShare: 0.4 }],
    ['apgr', { ...resampled, concordantShare: null }],
    ['apgr', { ...resampled, concordantShare: 0.4 }],
  ] as const)('%s %o', (measured, study) => {
    const { share } = coverage(study, measured);
    expect(share).toBeGreaterThanOrEqual(0.93);
    expect(share).toBeLessThanOrEqual(0.97);
  });
});
