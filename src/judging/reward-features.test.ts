import { expect, it } from 'vitest';
import { fromHalf } from '../core/half.ts';
import { rewardFeatureSize, stepFeatures } from './reward-features.ts';

const row = (at: number) => ({
  hidden: Float32Array.of(at, at + 0.5),
  ...{ logprob: -at, entropy: at / 4, margin: 1 / (1 + at) },
});
const ALL = { hidden: true, largeLogprob: true };

it('puts the state after each token beside the row that decided it, without the last token', () => {
  const halves = stepFeatures([row(0), row(1), row(2)], [-0.5, -1.5, -9], ALL);
  expect([...fromHalf(halves)]).toEqual([1, 1.5, -0, 0, 1, -0.5, 2, 2.5, -1, 0.25, 0.5, -1.5]);
  expect(halves.length).toBe(2 * rewardFeatureSize(ALL, 2));
});

it('lets a single token stand for itself', () => {
  const only = { hidden: false, largeLogprob: false };
  expect([...fromHalf(stepFeatures([row(3)], null, only))]).toEqual([-3, 0.75, 0.25]);
});

it('keeps a forbidden token finite', () => {
  const features = { hidden: false, largeLogprob: true };
  const forbidden = { ...row(1), logprob: Number.NEGATIVE_INFINITY };
  const halves = stepFeatures([forbidden], [Number.NEGATIVE_INFINITY], features);
  expect([...fromHalf(halves)]).toEqual([-100, 0.25, 0.5, -100]);
});
