import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeShape } from './forward-costs.ts';
import type { CurvePoint, MeasuredModel } from './machine-profile.ts';
import { measuredCosts } from './measured-costs.ts';

const MODEL: MeasuredModel = {
  model: 'timed',
  weightBytes: 1000,
  threadCount: 1,
  measuredAt: '2026-11-22T00:00:00.000Z',
  isQuick: false,
  spread: 0,
  cachedTokenCount: 64,
  decode: [
    { rowCount: 1, ms: 20 },
    { rowCount: 2, ms: 30 },
    { rowCount: 4, ms: 60 },
  ],
  prefill: [
    { rowCount: 1, ms: 15 },
    { rowCount: 4, ms: 42 },
    { rowCount: 64, ms: 642 },
  ],
  attention: [
    { rowCount: 1, msPerCachedToken: 0.01 },
    { rowCount: 16, msPerCachedToken: 0.1 },
  ],
  overheadMs: 0.5,
  readingMs: { logprob: 1, uncertainty: 2, draw: 3 },
};

const ms = (
  rowCount: number,
  outputRowCount: number,
  cachedTokenCount = 64,
  model: MeasuredModel = MODEL,
): number => measuredCosts(model).forwardMs({ rowCount, outputRowCount, cachedTokenCount });

describe('measuredCosts', () => {
  it('goes through the measured points', () => {
    for (const { rowCount, ms: measured } of MODEL.decode) {
      expect(ms(rowCount, rowCount)).toBeCloseTo(measured, 9);
    }
    for (const { rowCount, ms: measured } of MODEL.prefill) {
      expect(ms(rowCount, 0)).toBeCloseTo(measured, 9);
    }
  });

  it('is linear between points and beyond the last', () => {
    expect(ms(3, 3)).toBeCloseTo(45, 9);
    expect(ms(34, 0)).toBeCloseTo(342, 9);
    expect(ms(6, 6)).toBeCloseTo(90, 9);
    expect(ms(128, 0)).toBeCloseTo(1282, 9);
  });

  it('adds the head of the rows with outputs to a catch-up', () => {
    expect(ms(4, 1)).toBeCloseTo(42 + (20 - 15), 9);
    expect(ms(64, 2)).toBeCloseTo(642 + (30 - 24), 9);
  });

  it('adds the cost of cached tokens beyond those of the measurement', () => {
    expect(ms(1, 1, 164)).toBeCloseTo(20 + 100 * 0.01, 9);
    expect(ms(1, 1, 0)).toBeCloseTo(20 - 64 * 0.01, 9);
    // Between the points of attention it interpolates; beyond the last it is in proportion to the
    // rows.
    expect(ms(4, 4, 164)).toBeCloseTo(60 + 100 * (0.01 + (0.09 * 3) / 15), 9);
    expect(ms(64, 0, 164)).toBeCloseTo(642 + 100 * 0.4, 9);
  });

  it('never falls below half of the cheapest forward', () => {
    const steep = { ...MODEL, attention: [{ rowCount: 1, msPerCachedToken: 5 }] };
    expect(ms(1, 0, 0, steep)).toBe(7.5);
  });

  it('treats rows without outputs as rows with outputs if only those were measured', () => {
    const bare = { ...MODEL, prefill: [], attention: [] };
    expect(ms(4, 0, 500, bare)).toBe(60);
    expect(ms(4, 1, 500, bare)).toBe(60);
  });

  it('extrapolates from a single wide point at its rate per row', () => {
    const quick = { ...MODEL, prefill: [{ rowCount: 16, ms: 160 }], attention: [] };
    expect(ms(256, 0, 64, quick)).toBeCloseTo(2560, 9);
    expect(ms(2, 0, 64, quick)).toBe(30);
    expect(ms(8, 0, 64, quick)).toBe(120);
    expect(ms(14, 0, 64, quick)).toBe(160);
  });

  it('passes on the overhead of a forward', () => {
    const { overheadMs, readingMs } = measuredCosts(MODEL);
    expect({ overheadMs, readingMs }).toEqual({
      overheadMs: MODEL.overheadMs,
      readingMs: MODEL.readingMs,
    });
  });

  it('never falls with more rows, outputs or cached tokens on curves that never fall', () => {
    fc.assert(
      fc.property(anyModel, anyShape, (model, shape) => {
        const { forwardMs } = measuredCosts(model);
        const here = forwardMs(shape) - 1e-9;
        const { rowCount, outputRowCount, cachedTokenCount } = shape;
        expect(forwardMs({ ...shape, rowCount: rowCount + 1 })).toBeGreaterThanOrEqual(here);
        expect(
          forwardMs({ ...shape, cachedTokenCount: cachedTokenCount + 9 }),
        ).toBeGreaterThanOrEqual(here);
        const whole = decodeShape(rowCount, cachedTokenCount);
        expect(forwardMs({ ...whole, outputRowCount })).toBeLessThanOrEqual(
          forwardMs(whole) + 1e-9,
        );
      }),
    );
  });
});

/** Rows with outputs cost the body and a head each: both curves rise, and the head never shrinks. */
const anyModel: fc.Arbitrary<MeasuredModel> = fc
  .record({
    bodies: fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { minLength: 6, maxLength: 6 }),
    head: fc.double({ min: 0, max: 3, noNaN: true }),
    slope: fc.double({ min: 0, max: 0.1, noNaN: true }),
  })
  .map(({ bodies, head, slope }) => {
    const rowCounts = [1, 2, 4, 8, 16, 32];
    let ms = 5;
    const prefill: CurvePoint[] = rowCounts.map((rowCount, index) => {
      ms += bodies[index] ?? 0;
      return { rowCount, ms };
    });
    const decode = prefill.map((point) => ({ ...point, ms: point.ms + head * point.rowCount }));
    const attention = [
      { rowCount: 1, msPerCachedToken: slope },
      { rowCount: 16, msPerCachedToken: 3 * slope },
    ];
    return { ...MODEL, prefill, decode, attention, cachedTokenCount: 0 };
  });

const anyShape = fc
  .record({
    rowCount: fc.integer({ min: 1, max: 60 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    cachedTokenCount: fc.integer({ min: 0, max: 2000 }),
  })
  .map(({ rowCount, share, cachedTokenCount }) => {
    // One more row must leave a row without output, or the forward would change its kind.
    const outputRowCount = Math.floor(share * (rowCount - 1));
    return { rowCount, outputRowCount, cachedTokenCount };
  });
