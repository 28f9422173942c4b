import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestDraftLength,
  DRAFT_LENGTH_MAX,
  expectedSpeedup,
  expectedTokenCount,
  SPEEDUP_MIN,
  type SpeculationCosts,
} from './draft-length.ts';

const anyAcceptance = fc.double({ min: 0, max: 1, noNaN: true });
const anyLength = fc.nat({ max: DRAFT_LENGTH_MAX });

/** Row costs that rise, as measured curves do, and a fixed price per draft. */
const anyCosts: fc.Arbitrary<SpeculationCosts> = fc
  .record({
    first: fc.double({ min: 0.1, max: 100, noNaN: true }),
    rises: fc.array(fc.double({ min: 0, max: 60, noNaN: true }), { minLength: 9, maxLength: 9 }),
    draft: fc.double({ min: 0, max: 60, noNaN: true }),
  })
  .map(({ first, rises, draft }) => ({
    verifyMs: (rowCount) => rises.slice(0, rowCount - 1).reduce((sum, rise) => sum + rise, first),
    draftMs: (length) => length * draft,
  }));

/** The costs of a GPU: rows are free. */
const FREE_ROWS: SpeculationCosts = { verifyMs: () => 10, draftMs: () => 0 };
/** The costs of the worst CPU: every row costs a whole step. */
const DEAR_ROWS: SpeculationCosts = { verifyMs: (rowCount) => 10 * rowCount, draftMs: () => 0 };

/**
 * Walks the tree of accepts and rejects: each accepted draft is a token, and one more token ends the
 * round.
 */
function enumeratedTokenCount(length: number, acceptance: number): number {
  if (length === 0) return 1;
  return 1 - acceptance + acceptance * (1 + enumeratedTokenCount(length - 1, acceptance));
}

describe('expectedTokenCount', () => {
  it('is the mean over every way a round can end', () => {
    fc.assert(
      fc.property(anyLength, anyAcceptance, (length, acceptance) => {
        const expected = enumeratedTokenCount(length, acceptance);
        expect(expectedTokenCount(length, acceptance)).toBeCloseTo(expected, 9);
      }),
    );
  });

  it('is 1 without drafts or acceptance, and the draft length plus 1 at certain acceptance', () => {
    expect(expectedTokenCount(0, 0.7)).toBeCloseTo(1, 12);
    expect(expectedTokenCount(5, 0)).toBe(1);
    expect(expectedTokenCount(5, 1)).toBe(6);
  });

  it('keeps its precision when nearly all drafts hold', () => {
    for (const rest of [1e-6, 1e-9, 1e-12, 1e-14, 2 ** -51, 2 ** -53]) {
      expect(expectedTokenCount(8, 1 - rest)).toBeCloseTo(9 - 36 * rest, 9);
    }
  });

  it('grows with the length and with the acceptance', () => {
    fc.assert(
      fc.property(anyLength, anyAcceptance, anyAcceptance, (length, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const count = expectedTokenCount(length, low);
        expect(expectedTokenCount(length + 1, low)).toBeGreaterThanOrEqual(count - 1e-9);
        expect(expectedTokenCount(length, high)).toBeGreaterThanOrEqual(count - 1e-9);
        expect(count).toBeGreaterThanOrEqual(1 - 1e-12);
        expect(count).toBeLessThanOrEqual(length + 1);
      }),
    );
  });
});

describe('expectedSpeedup', () => {
  it('is 1 without drafts, at any costs', () => {
    fc.assert(
      fc.property(anyAcceptance, anyCosts, (acceptance, costs) => {
        expect(expectedSpeedup(0, acceptance, costs)).toBeCloseTo(1, 9);
      }),
    );
  });

  it('equals a value computed by hand', () => {
    // Two drafts at acceptance 0.5 emit 1 + 0.5 + 0.25 tokens in 2 · 2 + 15 ms instead of 10 each.
    const costs = { verifyMs: (rowCount: number) => (rowCount === 1 ? 10 : 15), draftMs: () => 4 };
    expect(expectedSpeedup(2, 0.5, costs)).toBeCloseTo((1.75 * 10) / 19, 12);
  });

  it('grows with acceptance and falls with the price of drafts', () => {
    fc.assert(
      fc.property(anyLength, anyAcceptance, anyAcceptance, anyCosts, (length, a, b, costs) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const speedup = expectedSpeedup(length, low, costs);
        expect(expectedSpeedup(length, high, costs)).toBeGreaterThanOrEqual(speedup * (1 - 1e-9));
        const dearer = { ...costs, draftMs: (n: number, a: number) => costs.draftMs(n, a) + 1 };
        expect(expectedSpeedup(length, low, dearer)).toBeLessThan(speedup);
      }),
    );
  });
});

describe('bestDraftLength', () => {
  it('is the length of the highest speed-up, found by trying all', () => {
    const anyLengthMax = fc.integer({ min: 0, max: DRAFT_LENGTH_MAX + 3 });
    fc.assert(
      fc.property(anyAcceptance, anyCosts, anyLengthMax, (acceptance, costs, lengthMax) => {
        const tried = Array.from({ length: Math.min(lengthMax, DRAFT_LENGTH_MAX) }, (_, index) =>
          expectedSpeedup(index + 1, acceptance, costs),
        );
        const best = Math.max(0, ...tried);
        const pays = best >= SPEEDUP_MIN;
        expect(bestDraftLength(acceptance, costs, lengthMax)).toEqual({
          length: pays ? tried.indexOf(best) + 1 : 0,
          speedup: best,
        });
      }),
      { numRuns: 500 },
    );
  });

  it('is the longest allowed if rows are free and drafts hold', () => {
    expect(bestDraftLength(1, FREE_ROWS, 100)).toEqual({ length: DRAFT_LENGTH_MAX, speedup: 9 });
    expect(bestDraftLength(0.9, FREE_ROWS, 3).length).toBe(3);
  });

  it('is 0 if drafting cannot pay, but still tells the best speed-up', () => {
    expect(bestDraftLength(1, DEAR_ROWS, 8)).toEqual({ length: 0, speedup: 1 });
    expect(bestDraftLength(0, FREE_ROWS, 8)).toEqual({ length: 0, speedup: 1 });
    expect(bestDraftLength(0.5, DEAR_ROWS, 8)).toEqual({ length: 0, speedup: 0.75 });
  });

  it('is 0 without room, or if costs are unknown', () => {
    expect(bestDraftLength(1, FREE_ROWS, 0).length).toBe(0);
    const unknown = { verifyMs: () => Number.POSITIVE_INFINITY, draftMs: () => 0 };
    expect(bestDraftLength(1, unknown, 8).length).toBe(0);
  });

  it('requires a margin: a gain of two percent is not worth the risk', () => {
    const gainOf = (gain: number): SpeculationCosts => ({
      verifyMs: (rowCount) => (rowCount === 1 ? 10 : 20 / gain + (rowCount - 2) * 100),
      draftMs: () => 0,
    });
    expect(bestDraftLength(1, gainOf(1.02), 8).length).toBe(0);
    expect(bestDraftLength(1, gainOf(1.04), 8).length).toBe(1);
  });
});
