import fc from 'fast-check';
import { expect, it } from 'vitest';
import { batchesOf, largestBatch, shuffledUnits } from './batches.ts';
import { rowwise, sigmoid, stepLoss } from './loss.ts';
import type { Pooling } from './pooling.ts';

const STEPS = Int32Array.of(0, 0, 0, 1, 2, 2);
const TARGETS = Float32Array.of(0, 1, 0.3);
const WEIGHTS = Float32Array.of(1 / 3, 1 / 3, 1 / 3, 1, 0.5, 0.5);
const LOSS = stepLoss(STEPS, TARGETS, WEIGHTS, 'product');
const POOLINGS = ['product', 'minimum'] as const;
/** The score of a step by its definition. */
const SCORES: Record<Pooling, (probabilities: readonly number[]) => number> = {
  product: (all) => all.reduce((product, one) => product * one, 1),
  minimum: (all) => Math.min(...all),
};
const ROWS = Int32Array.from(STEPS, (_, row) => row);
const anyLogits = fc.array(fc.double({ min: -6, max: 6, noNaN: true }), {
  minLength: 6,
  maxLength: 6,
});
/** A minimum has no slope where two tokens are the weakest. */
const distinctLogits = fc
  .uniqueArray(fc.integer({ min: -6000, max: 6000 }), { minLength: 6, maxLength: 6 })
  .map((thousandths) => thousandths.map((one) => one / 1000));

it.each(POOLINGS)('is the cross-entropy of the score of a step: the %s', (pooling) => {
  fc.assert(
    fc.property(anyLogits, (logits) => {
      const loss = stepLoss(STEPS, TARGETS, WEIGHTS, pooling);
      const sum = loss.measure(Float64Array.from(logits), ROWS, new Float64Array(6), 1);
      let expected = 0;
      for (const [step, target] of TARGETS.entries()) {
        const own = logits.filter((_, row) => STEPS[row] === step);
        const score = SCORES[pooling](own.map(sigmoid));
        expected -= target * Math.log(score) + (1 - target) * Math.log(1 - score);
      }
      expect(sum).toBeCloseTo(expected, 5);
    }),
  );
});

it.each(POOLINGS)('has the slopes of its differences: the %s', (pooling) => {
  const loss = stepLoss(STEPS, TARGETS, WEIGHTS, pooling);
  fc.assert(
    fc.property(distinctLogits, fc.nat(5), (logits, row) => {
      const slopes = new Float64Array(6);
      loss.measure(Float64Array.from(logits), ROWS, slopes, 1);
      const at = (shift: number): number => {
        const moved = Float64Array.from(
          logits,
          (logit, index) => logit + (index === row ? shift : 0),
        );
        return loss.measure(moved, ROWS, new Float64Array(6), 1);
      };
      const slope = (at(1e-5) - at(-1e-5)) / 2e-5;
      expect(slopes[row]).toBeCloseTo(slope, 3);
    }),
  );
});

it('of a step with one token is cross-entropy', () => {
  const single = rowwise({
    weights: WEIGHTS,
    loss: (logit) => -Math.log(sigmoid(logit)),
    slope: (logit) => sigmoid(logit) - 1,
  });
  const [own, other] = [new Float64Array(1), new Float64Array(1)];
  const batch = Int32Array.of(3);
  const sum = LOSS.measure(Float64Array.of(0.7), batch, own, 2);
  expect(sum).toBeCloseTo(single.measure(Float64Array.of(0.7), batch, other, 2), 9);
  expect(own[0]).toBeCloseTo(other[0] ?? Number.NaN, 9);
});

it('batches never part a step, and hold every row once', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 2, max: 20 }), fc.nat(), (steps, size, salt) => {
      const units = Int32Array.from(steps.flatMap((length, step) => Array(length).fill(step)));
      const rows = Int32Array.from(units, (_, row) => row);
      const turned = shuffledUnits(rows, units, (all) => {
        const by = salt % all.length;
        return Int32Array.from(all, (_, at) => all[(at + by) % all.length] as number);
      });
      const batches = [...batchesOf(turned, size, units)];
      expect(batches.flatMap((batch) => [...batch])).toEqual([...turned]);
      expect([...turned].sort((a, b) => a - b)).toEqual([...rows]);
      const most = largestBatch(size, [rows], units);
      for (const [at, batch] of batches.entries()) {
        expect(batch.length).toBeLessThanOrEqual(most);
        const next = batches[at + 1]?.[0];
        const last = batch.at(-1) as number;
        if (next !== undefined) expect(units[last]).not.toBe(units[next]);
      }
    }),
  );
});
