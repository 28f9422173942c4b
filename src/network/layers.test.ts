import { describe, expect, it } from 'vitest';
import { adamwStep, zeroMoments } from './adamw.ts';
import { BatchNorm } from './batch-norm.ts';
import { batchesOf } from './batches.ts';
import { Dropout } from './dropout.ts';
import { Relu } from './relu.ts';

const allocate = (count: number): Float64Array => new Float64Array(count);
const TRAINING = { training: true, step: 1 };

describe('batch normalisation', () => {
  it('normalises over the batch, and keeps the running statistics of PyTorch', () => {
    const norm = new BatchNorm({ name: 'n', size: 2, rowCountMax: 3, allocate });
    const rows = new Float64Array([1, 10, 2, 10, 6, 10]);
    norm.forward(rows, 3, TRAINING);
    // Unit 0: mean 3, biased variance 14 / 3, unbiased 7. Unit 1 never changes.
    const deviation = Math.sqrt(14 / 3 + 1e-5);
    expect([...rows]).toEqual(
      [-2, 0, -1, 0, 3, 0].map((value) => expect.closeTo(value / deviation, 12)),
    );
    const [mean, variance] = norm.statistics.map(({ values }) => [...values]);
    expect(mean).toEqual([expect.closeTo(0.3, 12), expect.closeTo(1, 12)]);
    expect(variance).toEqual([expect.closeTo(0.9 + 0.7, 12), expect.closeTo(0.9, 12)]);
  });

  it('evaluates with the running statistics, also a single row', () => {
    const norm = new BatchNorm({ name: 'n', size: 1, rowCountMax: 2, allocate });
    norm.forward(new Float64Array([1, 3]), 2, TRAINING);
    const row = new Float64Array([5]);
    norm.forward(row, 1, { training: false, step: 0 });
    // Running mean 0.2, running variance 0.9 + 0.1 · 2.
    expect(row[0]).toBeCloseTo((5 - 0.2) / Math.sqrt(1.1 + 1e-5), 12);
  });
});

describe('dropout', () => {
  const dropout = (layer = 0): Dropout =>
    new Dropout({ seed: 1, layer, size: 100, rowCountMax: 200, share: 0.25 });
  const dropped = (layer: Dropout, step: number): Float64Array => {
    const rows = new Float64Array(20_000).fill(3);
    layer.forward(rows, 200, { training: true, step });
    return rows;
  };

  it('drops its share and scales up the rest, forwards and backwards', () => {
    const layer = dropout();
    const rows = dropped(layer, 1);
    const share = rows.filter((value) => value === 0).length / rows.length;
    expect(Math.abs(share - 0.25)).toBeLessThan(0.015);
    expect(new Set(rows)).toEqual(new Set([0, 4]));
    const gradients = new Float64Array(20_000).fill(3);
    layer.backward(gradients, 200);
    expect(gradients).toEqual(rows);
  });

  it('is a function of seed, layer and step', () => {
    expect(dropped(dropout(), 1)).toEqual(dropped(dropout(), 1));
    expect(dropped(dropout(), 1)).not.toEqual(dropped(dropout(), 2));
    expect(dropped(dropout(), 1)).not.toEqual(dropped(dropout(1), 1));
  });

  it('does nothing in evaluation', () => {
    const rows = new Float64Array(100).fill(3);
    dropout().forward(rows, 1, { training: false, step: 1 });
    expect(rows.every((value) => value === 3)).toBe(true);
  });
});

describe('rectified units', () => {
  it('pass positive values and their gradients', () => {
    const relu = new Relu(4, 1);
    const rows = new Float64Array([-1, 0, 2, Number.NaN]);
    relu.forward(rows, 1);
    expect([...rows]).toEqual([0, 0, 2, Number.NaN]);
    const gradients = new Float64Array([5, 6, 7, 8]);
    relu.backward(gradients, 1);
    expect([...gradients]).toEqual([0, 0, 7, 8]);
  });
});

describe('AdamW', () => {
  const settings = { rate: 0.1, weightDecay: 0.5, beta1: 0.9, beta2: 0.99, epsilon: 1e-3 };
  const GRADIENTS = [1, -2, 0.5];

  /** The textbook's form, with corrected moments. */
  function naive(decays: boolean): number {
    let [value, first, second] = [2, 0, 0];
    for (const [index, gradient] of GRADIENTS.entries()) {
      const step = index + 1;
      if (decays) value -= settings.rate * settings.weightDecay * value;
      first = settings.beta1 * first + (1 - settings.beta1) * gradient;
      second = settings.beta2 * second + (1 - settings.beta2) * gradient ** 2;
      const mean = first / (1 - settings.beta1 ** step);
      const square = second / (1 - settings.beta2 ** step);
      value -= (settings.rate * mean) / (Math.sqrt(square) + settings.epsilon);
    }
    return value;
  }

  it.each([true, false])('takes the steps of the textbook; decays: %s', (decays) => {
    const [values, gradients] = [new Float32Array([2]), new Float32Array(1)];
    const moments = zeroMoments({ name: 'p', values, gradients, decays });
    for (const [index, gradient] of GRADIENTS.entries()) {
      gradients[0] = gradient;
      adamwStep(moments, settings, index + 1);
    }
    expect(values[0]).toBeCloseTo(naive(decays), 5);
  });
});

describe('batches', () => {
  it.each([
    [6, [3, 3]],
    [7, [3, 4]],
    [8, [3, 3, 2]],
    [1, [1]],
    [4, [4]],
    [0, []],
  ])('of %d rows by 3 have no single row at the end', (count, sizes) => {
    const rows = Int32Array.from({ length: count }, (_, row) => row);
    const batches = [...batchesOf(rows, 3)];
    expect(batches.map(({ length }) => length)).toEqual(sizes);
    expect(batches.flatMap((batch) => [...batch])).toEqual([...rows]);
  });
});
