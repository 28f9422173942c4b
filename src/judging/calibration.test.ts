import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ALWAYS,
  type Calibration,
  type CalibrationPoint,
  NEVER,
  shareCuts,
  thresholdForQuality,
  thresholdForShare,
} from './calibration.ts';

const ON = 'a formula';
const point = (threshold: number, share: number, agreement = share, gap: number | null = null) => {
  return { threshold, predictedShare: share, share, agreement, gapRecovered: gap };
};

/** Scores from 0 to 1, crowded at the lower end as those of co-llm are, no two of them equal. */
const SCORES = Array.from({ length: 4000 }, (_, at) => ((at + 1) / 4001) ** 8);
const belowOf = (scores: readonly number[], threshold: number): number =>
  scores.filter((score) => score < threshold).length / scores.length;

/** Runs in which a share along the large model's answers comes out as `live` of it. */
function calibrated(
  scores: readonly number[],
  predictedShares: readonly number[],
  live: (predicted: number) => number,
): Calibration {
  const cuts = shareCuts(scores);
  const points = predictedShares.map((predictedShare): CalibrationPoint => {
    return { ...point(0, live(predictedShare)), predictedShare };
  });
  return { on: ON, cuts, points };
}

const RUNS = [0.005, 0.02, 0.1, 0.3, 0.5, 0.7, 0.95];
const anyShare = fc.double({ min: 0.01, max: 0.9, noNaN: true });

describe('the cuts of scores', () => {
  it('come within a quarter of a percent of every share, and closer below 5 %', () => {
    const cuts = shareCuts(SCORES);
    expect(cuts.length).toBeLessThan(500);
    for (const share of [0.0005, 0.001, 0.01, 0.0333, 0.049]) {
      expect(Math.min(...cuts.map((cut) => Math.abs(cut.share - share)))).toBeLessThan(0.0003);
    }
    for (const share of [0.06, 0.2, 0.333, 0.5, 0.77, 0.9, 0.99]) {
      expect(Math.min(...cuts.map((cut) => Math.abs(cut.share - share)))).toBeLessThan(0.0026);
    }
  });

  it('are what counting gives, in ascending order, also where many scores are equal', () => {
    const score = fc.oneof(
      fc.nat(20).map((at) => at / 20),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(score, { minLength: 1, maxLength: 300, size: 'max' }), (scores) => {
        const cuts = shareCuts(scores);
        for (const [at, { threshold, share }] of cuts.entries()) {
          // Shares are kept in six digits.
          expect(share).toBeCloseTo(belowOf(scores, threshold), 5);
          expect(threshold).toBeGreaterThan(cuts[at - 1]?.threshold ?? 0);
          expect(share).toBeGreaterThan(cuts[at - 1]?.share ?? 0);
        }
      }),
    );
  });
});

describe('the threshold for a share', () => {
  it("gives the share, where runs differ from the large model's answers by any rising curve", () => {
    fc.assert(
      fc.property(anyShare, fc.double({ min: 0.6, max: 1.6, noNaN: true }), (share, bend) => {
        // Between two runs the curve is taken for a line.
        const live = (predicted: number): number => {
          const at = RUNS.findIndex((run) => run >= predicted);
          const [low, high] = [RUNS[at - 1] ?? 0, RUNS[at] ?? 1];
          const part = (predicted - low) / (high - low);
          return low ** bend + part * (high ** bend - low ** bend);
        };
        const calibration = calibrated(SCORES, RUNS, live);
        const least = live(0.005);
        fc.pre(share >= least && share <= live(0.95));
        const got = live(belowOf(SCORES, thresholdForShare(calibration, share)));
        expect(Math.abs(got - share)).toBeLessThan(0.003);
      }),
    );
  });

  it('never falls as the share grows', () => {
    const calibration = calibrated(SCORES, RUNS, (predicted) => predicted);
    fc.assert(
      fc.property(anyShare, anyShare, (a, b) => {
        const [less, more] = a <= b ? [a, b] : [b, a];
        expect(thresholdForShare(calibration, less)).toBeLessThanOrEqual(
          thresholdForShare(calibration, more),
        );
      }),
    );
  });

  it('never defers at a share of 0 and always at 1, also without any scores', () => {
    for (const calibration of [
      { on: ON, cuts: [], points: [] },
      calibrated(SCORES, RUNS, (predicted) => predicted),
    ]) {
      expect(thresholdForShare(calibration, 0)).toBe(NEVER);
      expect(thresholdForShare(calibration, 1)).toBe(ALWAYS);
    }
    // Scores of 0 and of 1 are both possible.
    expect(1 < ALWAYS && !(0 < NEVER)).toBe(true);
  });

  it('is refused outside of the measured range, whose named ends are granted', () => {
    const live = (predicted: number): number => 0.01234 + predicted * 0.9;
    const calibration = calibrated(SCORES, RUNS, live);
    for (const share of [0.001, 0.0168, 0.868, 0.99]) {
      expect(() => thresholdForShare(calibration, share)).toThrow(
        expect.objectContaining({
          code: 'threshold-invalid',
          message: expect.stringContaining('from 1.7 to 86.7 %, on a formula'),
          fields: { share },
        }),
      );
    }
    expect(() => thresholdForShare(calibration, 0.99, 'step')).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('the reward was calibrated from'),
        remedy: expect.stringContaining('calibrate the reward with other --shares'),
      }),
    );
    // 99.99 % is not 100 %, which may be asked for.
    expect(() => thresholdForShare(calibration, 0.9999)).toThrow('A share of 99.99 % was not');
    for (const share of [0.017, 0.867]) {
      expect(thresholdForShare(calibration, share)).toBeGreaterThan(NEVER);
    }
  });

  it("goes along the large model's answers where no run was made", () => {
    const calibration = { on: ON, cuts: shareCuts(SCORES), points: [] };
    for (const share of [0.001, 0.02, 0.49, 0.5, 0.51, 0.99]) {
      const got = belowOf(SCORES, thresholdForShare(calibration, share));
      expect(Math.abs(got - share)).toBeLessThan(0.0013);
    }
  });

  it('is refused where equal scores leave no threshold near it', () => {
    const scores = [...SCORES, ...new Array<number>(4000).fill(0.5)];
    const below = belowOf(scores, 0.5);
    const calibration = calibrated(scores, RUNS, (predicted) => predicted);
    expect(() => thresholdForShare(calibration, 0.7)).toThrow(
      /share of 70 %: no threshold separates its scores between 45.9 % and 95.9 % of the tokens/,
    );
    expect(() => thresholdForShare(calibration, 0.7, 'step')).toThrow(
      /The reward cannot give a share of 70 %.* of the steps of/,
    );
    // Within a tenth, the nearer side is taken.
    expect(thresholdForShare(calibration, below + 0.02)).toBeLessThanOrEqual(0.5);
    expect(thresholdForShare(calibration, 0.94)).toBeGreaterThan(0.5);
  });

  it('is refused with the remedy if the file is of the version without scores', () => {
    expect(() => thresholdForShare({ on: ON, cuts: [], points: [] }, 0.3)).toThrow(
      expect.objectContaining({
        code: 'threshold-invalid',
        message: expect.stringContaining('version 1'),
        remedy: expect.stringContaining('pilotfish calibrate'),
      }),
    );
  });
});

describe('the threshold for a quality', () => {
  const calibration = {
    on: ON,
    cuts: [],
    points: [point(0.2, 0.1, 0.9, 0.3), point(0.4, 0.2, 0.95, null), point(0.6, 0.3, 0.99, 0.8)],
  };

  it('is the cheapest that recovers the requested part of the gap, or reaches the agreement', () => {
    expect(thresholdForQuality(calibration, 'gapRecovered', 0.3)).toBe(0.2);
    expect(thresholdForQuality(calibration, 'gapRecovered', 0.31)).toBe(0.6);
    expect(thresholdForQuality(calibration, 'agreement', 0.95)).toBe(0.4);
  });

  it('is refused if no measured threshold reaches it', () => {
    expect(() => thresholdForQuality(calibration, 'gapRecovered', 0.81)).toThrow(
      expect.objectContaining({ code: 'threshold-invalid', fields: { quality: 0.81 } }),
    );
    const ungraded = { on: ON, cuts: [], points: calibration.points.slice(1, 2) };
    expect(() => thresholdForQuality(ungraded, 'gapRecovered', 0.1)).toThrow(/no gap/);
  });
});
