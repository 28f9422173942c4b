import { describe, expect, it } from 'vitest';
import { pointOf } from '../../../test/evaluation/scripted-evaluation.ts';
import type { ModelCost, RunCost } from '../../core/events.ts';
import { fullDesign } from '../screening/sample-design.ts';
import { pointResult } from './point-result.ts';
import type { AnswerRun } from './point-runs.ts';

const COST: RunCost = {
  ...{ models: {}, tokenCount: 10, largeShare: 0.2, verifiedShare: 0 },
  ...{ stepCount: null, rejectedShare: null, smallForwards: 10, largeForwards: 2 },
  ...{ weightTrafficBytes: 1, writtenFlops: 1, generatedFlops: 2, processedFlops: 3 },
  ...{ weightTrafficRatio: 1, writtenFlopsRatio: 1, generatedFlopsRatio: 1 },
  ...{ processedFlopsRatio: 1, price: null, priceRatio: null, linkBytesUp: 0, linkBytesDown: 0 },
  ...{ reusedRowCount: 0, computeMs: 0, waitedMs: 0 },
};

/** One run for each `r` (right) or `w` (wrong), with further costs in turn. */
function runs(grades: string, costs: readonly Partial<RunCost>[] = [{}]): readonly AnswerRun[] {
  return [...grades].map((letter, index) => ({
    question: { id: String(index), text: '', messages: [], answer: '', kind: 'text' },
    grade: { isRight: letter === 'r', extracted: null, why: '' },
    cost: { ...COST, ...costs[index % costs.length] },
    timesMs: {},
  }));
}

function resultOf(own: readonly AnswerRun[], largeRuns: readonly AnswerRun[]) {
  const point = { ...pointOf('rsd-likelihood@0.9'), predictedShare: null };
  const design = fullDesign(own.length);
  return pointResult({ point, runs: own }, { design, largeRuns, profileNames: [] });
}

describe('the difference of a point to the large model alone', () => {
  it('is paired by question', () => {
    // Of ten questions three are won and one is lost.
    const { overLarge } = resultOf(runs('rrrrrrwwrr'), runs('wwwrrrrwrr'));
    expect(overLarge.value).toBeCloseTo(0.2, 12);
    const reach = 1.959964 * Math.sqrt((4 - 2 ** 2 / 10) / 9 / 10);
    expect(overLarge.low).toBeCloseTo(0.2 - reach, 6);
    expect(overLarge.high).toBeCloseTo(0.2 + reach, 6);
  });

  it('is not certain where no question differs', () => {
    const { overLarge } = resultOf(runs('r'.repeat(100)), runs('r'.repeat(100)));
    expect(overLarge.value).toBe(0);
    expect(overLarge.low).toBeCloseTo(-0.0196, 6);
    expect(overLarge.high).toBeCloseTo(0.0196, 6);
  });

  it('is 0 for the large model itself', () => {
    const large = runs('rwrr');
    expect(resultOf(large, large).overLarge).toEqual({ value: 0, low: 0, high: 0 });
  });
});

describe('the steps of a point', () => {
  it('are counted over all answers: a long answer counts more', () => {
    const costs = [
      { stepCount: 2, rejectedShare: 0.5 },
      { stepCount: 8, rejectedShare: 0.25 },
    ];
    const { stepCount, rejectedShare } = resultOf(runs('rr', costs), runs('rr'));
    expect([stepCount, rejectedShare]).toEqual([5, 0.3]);
  });

  it('are null for methods with another unit, and no share of none is rejected', () => {
    expect(resultOf(runs('rr'), runs('rr'))).toMatchObject({
      stepCount: null,
      rejectedShare: null,
    });
    const none = [{ stepCount: 0, rejectedShare: 0 }];
    expect(resultOf(runs('r', none), runs('r'))).toMatchObject({ stepCount: 0, rejectedShare: 0 });
  });
});

describe('the bill of a point', () => {
  const NO_COST: ModelCost = {
    ...{ forwardCount: 0, rowCount: 0, outputRowCount: 0, writtenTokenCount: 0, reusedRowCount: 0 },
    ...{ billed: null, bytesUp: 0, bytesDown: 0, computeMs: 0, waitedMs: 0, price: null },
    ...{ weightTrafficBytes: 0, writtenFlops: 0, generatedFlops: 0, processedFlops: 0 },
  };
  const billed = (callCount: number, cachedCount: number): Partial<RunCost> => ({
    models: {
      near: { ...NO_COST, bytesUp: 7, reusedRowCount: 9 },
      far: {
        ...{ ...NO_COST, bytesUp: 10, bytesDown: 20, reusedRowCount: 2 },
        billed: { callCount, inputCount: 10 * callCount, cachedCount, outputCount: 3 },
      },
    },
  });

  it('is that of the server, with what earlier answers have left in its cache', () => {
    const { bill } = resultOf(
      runs('rw', [billed(2, 8), billed(4, 30)]),
      runs('rw', [billed(1, 2)]),
    );
    expect(bill).toEqual({
      ...{ callCount: 3, inputCount: 30, outputCount: 3, bytesUp: 10, bytesDown: 20 },
      // 20 - 8 + 2 and 40 - 30 + 2.
      newInputCount: 13,
    });
  });

  it('is 0 for the small model alone, and absent where no server bills', () => {
    expect(resultOf(runs('r'), runs('r', [billed(1, 0)])).bill).toMatchObject({ callCount: 0 });
    expect(resultOf(runs('r'), runs('r')).bill).toBeNull();
  });
});
