import { describe, expect, it } from 'vitest';
import type { Progress } from '../core/progress.ts';
import { type TimedForward, TimedModel, type TimedModelOptions } from './fakes/timed-model.ts';
import {
  FULL_PLAN,
  type MeasurePlan,
  measureModel,
  QUICK_PLAN,
  QUIET_SPREAD_MAX,
} from './measure-model.ts';

/** A plan without a budget, so that only counts decide. */
const PLAN: MeasurePlan = {
  ...FULL_PLAN,
  decodeRowCounts: [1, 2, 3, 4, 8],
  prefillRowCounts: [1, 8, 32],
  attentionRowCounts: [1, 8],
  repeatCountMax: 4,
  repeatCountMin: 2,
};
const LINEAR = ({ rowCount, outputRowCount, cachedTokenCount }: TimedForward): number =>
  10 + 2 * rowCount + outputRowCount + 0.01 * rowCount * cachedTokenCount;

function measure(options: TimedModelOptions, plan: MeasurePlan = PLAN) {
  const model = new TimedModel(options);
  const clock = { nowMs: () => model.nowMs };
  return { model, measured: measureModel(model, plan, { clock }) };
}

describe('measureModel', () => {
  it('measures every shape at the same cache length, and releases its slot', async () => {
    const { model, measured } = measure({ msOf: LINEAR, overheadMs: 0.5 });
    const { decode, prefill, cachedTokenCount, overheadMs, spread } = await measured;
    const near = PLAN.nearTokenCount;
    const ms = (rowCount: number, outputRowCount: number): number =>
      LINEAR({ rowCount, outputRowCount, cachedTokenCount: near, threadCount: 1, n: 0 });
    const points = (rowCounts: readonly number[], share: number) =>
      rowCounts.map((rowCount) => ({ rowCount, ms: ms(rowCount, share * rowCount) }));
    expect(decode).toEqual(points(PLAN.decodeRowCounts, 1));
    expect(prefill).toEqual(points(PLAN.prefillRowCounts, 0));
    expect([cachedTokenCount, spread]).toEqual([near, 0]);
    expect(overheadMs).toBeCloseTo(0.5, 9);
    expect(model.sequenceCount).toBe(0);
  });

  it('finds the time that every cached token adds, by the number of rows', async () => {
    const { attention } = await measure({ msOf: LINEAR }).measured;
    expect(attention.map(({ rowCount }) => rowCount)).toEqual(PLAN.attentionRowCounts);
    expect(attention[0]?.msPerCachedToken).toBeCloseTo(0.01, 9);
    expect(attention[1]?.msPerCachedToken).toBeCloseTo(0.08, 9);
  });

  it('counts a falling slope as 0, because it can only be noise', async () => {
    const msOf = ({ cachedTokenCount }: TimedForward): number => 100 - 0.01 * cachedTokenCount;
    const { attention } = await measure({ msOf }).measured;
    expect(attention.map(({ msPerCachedToken }) => msPerCachedToken)).toEqual([0, 0]);
  });

  it('never lets attention cost less in a wider forward than in a narrower one', async () => {
    const msOf = ({ rowCount, cachedTokenCount }: TimedForward): number =>
      100 + (rowCount === 1 ? 0.02 : 0.01) * cachedTokenCount;
    const { attention } = await measure({ msOf }).measured;
    const [narrow, wide] = attention.map(({ msPerCachedToken }) => msPerCachedToken);
    expect(narrow).toBeCloseTo(0.02, 9);
    expect(wide).toBe(narrow);
  });

  it('does not count the first pass, which warms caches up', async () => {
    const msOf = ({ n }: TimedForward): number => (n === 0 ? 1 : 5);
    const { decode, spread } = await measure({ msOf }).measured;
    expect(decode.map(({ ms }) => ms)).toEqual([5, 5, 5, 5, 5]);
    expect(spread).toBe(0);
  });

  it('takes the median, and reports its distance from the fastest forward', async () => {
    const msOf = ({ n, rowCount }: TimedForward): number => (n === 3 ? 2 : 3) * (10 + rowCount);
    const { decode, spread } = await measure({ msOf }).measured;
    expect(decode.map(({ ms }) => ms)).toEqual([33, 36, 39, 42, 54]);
    expect(spread).toBeCloseTo(0.5, 9);
  });

  it('treats a forward as disturbed if it is slower than a wider one', async () => {
    const msOf = ({ rowCount }: TimedForward): number => (rowCount === 2 ? 99 : 10 * rowCount);
    const { decode } = await measure({ msOf }).measured;
    expect(decode.map(({ ms }) => ms)).toEqual([10, 30, 30, 40, 80]);
  });

  it('repeats slow shapes less', async () => {
    const msOf = ({ rowCount }: TimedForward): number => (rowCount === 32 ? 900 : 10);
    const { model, measured } = measure({ msOf });
    await measured;
    const ofRows = (rowCount: number): number =>
      model.forwards.filter((forward) => forward.rowCount === rowCount).length;
    expect([ofRows(32), ofRows(3)]).toEqual([PLAN.repeatCountMin + 1, PLAN.repeatCountMax + 1]);
  });

  it.each([
    { contextLength: 2, rowCountMax: 2, decode: [1], prefill: [1], attention: 0 },
    {
      contextLength: 40,
      rowCountMax: 40,
      decode: [1, 2, 3, 4, 8],
      prefill: [1, 8, 32],
      attention: 0,
    },
    { contextLength: 300, rowCountMax: 3, decode: [1, 2, 3], prefill: [1], attention: 1 },
  ])('measures the shapes that fit in a context of $contextLength', async (small) => {
    const { decode, prefill, attention } = await measure({ ...small, msOf: LINEAR }).measured;
    expect(decode.map(({ rowCount }) => rowCount)).toEqual(small.decode);
    expect(prefill.map(({ rowCount }) => rowCount)).toEqual(small.prefill);
    expect(attention).toHaveLength(small.attention);
  });

  it('makes one quick pass over a slow model, and more over a fast one', async () => {
    const slow = measure({ msOf: () => 400 }, QUICK_PLAN);
    const fast = measure({ msOf: () => 20 }, QUICK_PLAN);
    const shapeCount = QUICK_PLAN.decodeRowCounts.length + QUICK_PLAN.prefillRowCounts.length;
    expect(await slow.measured).toMatchObject({ isQuick: true, attention: [] });
    expect((await fast.measured).decode).toHaveLength(QUICK_PLAN.decodeRowCounts.length);
    // The first forward fills the cache, the second one warms a single row up.
    const passLength = shapeCount + QUICK_PLAN.singleRowCount - 1;
    expect(slow.model.forwards).toHaveLength(2 + passLength);
    expect(fast.model.forwards).toHaveLength(2 + QUICK_PLAN.repeatCountMax * passLength);
    expect(fast.model.nowMs).toBeLessThan(QUICK_PLAN.budgetMs);
  });

  it('spreads several measurements of a single row over a pass if there is time for one pass', async () => {
    const { model, measured } = measure({ msOf: () => 400 }, QUICK_PLAN);
    await measured;
    const rowCounts = model.forwards.slice(2).map(({ rowCount }) => rowCount);
    expect(rowCounts).toEqual([1, 2, 1, 3, 1, 4, 1, 6, 1, 9, 16]);
  });

  it('takes the median of the single rows without the first one, which warms up', async () => {
    const times = [990, 400, 300, 480, 390, 410];
    const msOf = ({ rowCount, n }: TimedForward): number =>
      rowCount === 1 ? (times[n] ?? 0) : 1000 * rowCount;
    const { decode, spread } = await measure({ msOf }, QUICK_PLAN).measured;
    expect(decode[0]).toEqual({ rowCount: 1, ms: 400 });
    expect(spread).toBeCloseTo(1 / 3, 9);
  });

  it('does not call a machine quiet after one measurement of each shape', async () => {
    const plan = { ...QUICK_PLAN, singleRowCount: 1 };
    const { spread } = await measure({ msOf: () => 400 }, plan).measured;
    expect(spread).toBeGreaterThan(QUIET_SPREAD_MAX);
  });

  it.each([PLAN, { ...PLAN, singleRowCount: 3 }])(
    'reports progress up to the end',
    async (plan) => {
      const model = new TimedModel({ msOf: LINEAR });
      const reports: Progress[] = [];
      await measureModel(model, plan, { onProgress: (progress) => reports.push(progress) });
      const { label, done, total } = reports.at(-1) ?? {};
      expect([label, done]).toEqual(['Measuring step costs of timed', total]);
      expect(reports.every((report, index) => report.done === index + 1)).toBe(true);
    },
  );

  it('stops when it is aborted, and releases its slot', async () => {
    const controller = new AbortController();
    const msOf = (): number => {
      if (model.forwards.length === 5) controller.abort();
      return 1;
    };
    const model: TimedModel = new TimedModel({ msOf });
    const measuring = measureModel(model, PLAN, { signal: controller.signal });
    await expect(measuring).rejects.toMatchObject({ code: 'aborted' });
    expect([model.forwards.length, model.sequenceCount]).toEqual([5, 0]);
  });
});
