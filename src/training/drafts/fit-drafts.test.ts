import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { expectedRejection } from '../../judging/rejection-law.ts';
import { truncationBounds, truncationErrors } from '../../sampling/truncation-bound.ts';
import { DRAFT_COUNT_MIN, fitDrafts, isHeldOut, thresholdReport } from './fit-drafts.ts';
import type { ObservedDraft } from './observed-draft.ts';

const OPTIONS = { toleratedRejection: 0.5, truncationError: 0.1 };

function draft(uncertainty: number, rejection: number, more: Partial<ObservedDraft> = {}) {
  return {
    ...{ uncertainty, rejection, probability: 0.5, isEnd: false },
    ...{ skippable: [[uncertainty, rejection / 2]] as const, truncationErrors: [] },
    ...more,
  };
}

/** Questions of 50 drafts each, whose rejections lie on a line of the uncertainty. */
function questionsOn(slope: number, intercept: number, count = 10): ObservedDraft[][] {
  return Array.from({ length: count }, (_, question) =>
    Array.from({ length: 50 }, (_, at) => {
      const u = (at + question / count) / 50;
      return draft(u, Math.min(1, Math.max(0, slope * u + intercept)));
    }),
  );
}

describe('the law', () => {
  it('is that of the drafts, without the held-out questions', () => {
    const questions = questionsOn(0.5, 0.1);
    const fit = fitDrafts(questions, OPTIONS);
    expect(fit.law.slope).toBeCloseTo(0.5, 9);
    expect(fit.law.intercept).toBeCloseTo(0.1, 9);
    expect(fit.correlation).toBeCloseTo(1, 9);
    expect([fit.draftCount, fit.heldOut?.questionCount, fit.heldOut?.draftCount]).toEqual([
      ...[400, 2, 100],
    ]);
    const other = questions.map((one, at) => (isHeldOut(at) ? questionsOn(0.9, 0, 1).flat() : one));
    expect(fitDrafts(other, OPTIONS).law).toEqual(fit.law);
    expect(fitDrafts(questions.slice(0, 4), OPTIONS).heldOut).toBe(null);
  });

  it('has bins with their residuals, which hold every draft', () => {
    const { bins, law, draftCount } = fitDrafts(questionsOn(1.2, -0.2), OPTIONS);
    expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(draftCount);
    expect(bins.map(({ from }) => from)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
    for (const { from, to, meanUncertainty, observed, predicted } of bins) {
      expect(meanUncertainty).toBeGreaterThanOrEqual(from);
      expect(meanUncertainty).toBeLessThan(to);
      // The clipped corner is the only residual.
      expect(Math.abs(observed - predicted)).toBeLessThan(0.05);
      expect(Math.abs(predicted - expectedRejection(law, meanUncertainty))).toBeLessThan(0.03);
    }
  });

  it('is refused for too few drafts, equal uncertainties, and rejections that fall', () => {
    const few = [Array.from({ length: DRAFT_COUNT_MIN - 1 }, (_, at) => draft(at / 100, 0))];
    const same = [Array.from({ length: DRAFT_COUNT_MIN }, () => draft(0.25, 0.5))];
    const fails = (questions: ObservedDraft[][], message: string): void => {
      expect(() => fitDrafts(questions, OPTIONS)).toThrow(
        expect.objectContaining({
          code: 'training-data-insufficient',
          message: expect.stringContaining(message),
        }),
      );
    };
    fails(few, '99 drafts are fewer than 100');
    fails([], '0 drafts are fewer than 100');
    fails(same, 'All 100 drafts have the same uncertainty');
    fails(
      questionsOn(-0.5, 0.8),
      'Rejections do not rise with the uncertainty of 400 drafts (a = -0.500)',
    );
    fails(questionsOn(0, 0), 'do not rise');
  });

  it('has no risk-averse threshold with b >= 0, and is a fit all the same', () => {
    const { heldOut } = fitDrafts(questionsOn(0.5, 0.1), OPTIONS);
    expect(heldOut?.averse).toBe(null);
    expect(heldOut?.prone.threshold).toBeCloseTo(0.8, 9);
  });
});

describe('a threshold', () => {
  const law = { slope: 1, intercept: -0.1 };

  it('skips drafts up to it, but for ends, and is judged by all of them', () => {
    const drafts = [
      draft(0.1, 0.02),
      draft(0.2, 0.1),
      draft(0.2, 0.9, { isEnd: true, skippable: [] }),
      draft(0.8, 1),
    ];
    const report = thresholdReport(drafts, law, 0.2);
    expect(report.skippedShare).toBe(0.5);
    expect(report.observedRisk).toBeCloseTo(0.06, 12);
    expect(report.expectedRisk).toBeCloseTo(0.05, 12);
    expect(report.riskBound).toBeCloseTo(0.1, 12);
    expect(report.totalVariation).toBeCloseTo((0.01 + 0.05) / 4, 12);
    expect(thresholdReport(drafts, law, 0.95).totalVariation).toBe(null);
    const none = thresholdReport(drafts, law, 0.05);
    expect(none).toMatchObject({ skippedShare: 0, observedRisk: 0, totalVariation: 0 });
  });

  it('keeps its bound', () => {
    const SHARE = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(SHARE, SHARE), { minLength: 1 }), SHARE, (all, threshold) => {
        const drafts = all.map(([u, beta]) => draft(u, beta));
        const report = thresholdReport(drafts, law, threshold);
        expect(report.expectedRisk).toBeLessThanOrEqual(report.riskBound + 1e-12);
      }),
      { numRuns: runs(100, 1000) },
    );
  });
});

describe('the offline number of tokens', () => {
  const DISTRIBUTIONS = [
    [0.4, 0.3, 0.15, 0.1, 0.05],
    [0.7, 0.1, 0.1, 0.07, 0.03],
    [0.25, 0.24, 0.2, 0.16, 0.15],
  ].map((one) => Float64Array.from(one));
  /** The draft of each is its second token. */
  const questions = questionsOn(0.9, -0.05, 4).map((drafts) =>
    drafts.map((one, at) => {
      const x = DISTRIBUTIONS[at % DISTRIBUTIONS.length] as Float64Array;
      const errors = [...truncationErrors(x)].slice(1);
      return { ...one, probability: x[1] as number, truncationErrors: errors };
    }),
  );
  const countAt = (truncationError: number): number | null =>
    fitDrafts(questions, { ...OPTIONS, truncationError }).offlineTokenCount;

  it('is the first whose mean bound over transmitted drafts is small enough', () => {
    const { law } = fitDrafts(questions, OPTIONS);
    const sent = questions
      .flatMap((drafts) => drafts.map((one, at) => ({ one, at })))
      .filter(({ one }) => one.uncertainty > -law.intercept / law.slope);
    const meanBound = (k: number): number =>
      sent.reduce((sum, { one, at }) => {
        const x = DISTRIBUTIONS[at % DISTRIBUTIONS.length] as Float64Array;
        const beta = expectedRejection(law, one.uncertainty);
        return sum + (truncationBounds(x, 1, beta)[k] ?? 0) / sent.length;
      }, 0);
    for (const k of [1, 2, 3, 4]) {
      expect(countAt(meanBound(k) + 1e-9)).toBe(k);
      if (meanBound(k) > 1e-6) expect(countAt(meanBound(k) - 1e-9)).toBeGreaterThan(k);
    }
  });

  it('falls as the error rises, and is unknown beyond what was looked at', () => {
    const counts = [1e-9, 0.01, 0.05, 0.1, 0.2, 0.5, 1, 2].map((error) => countAt(error) ?? 99);
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
    expect(new Set(counts).size).toBeGreaterThan(2);
    const cut = questions.map((drafts) =>
      drafts.map((one) => ({ ...one, truncationErrors: one.truncationErrors.slice(0, 1) })),
    );
    expect(fitDrafts(cut, { ...OPTIONS, truncationError: 1e-6 }).offlineTokenCount).toBe(null);
    expect(fitDrafts(questionsOn(0.9, -0.05), OPTIONS).offlineTokenCount).toBe(null);
  });
});
