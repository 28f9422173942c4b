import { expect, it } from 'vitest';
import { fromHalf } from '../core/half.ts';
import {
  columnsAmong,
  type RewardFeatures,
  rewardFeatureSize,
  stepFeatures,
} from './reward-features.ts';

const row = (at: number) => ({
  hidden: Float32Array.of(at, at + 0.5),
  ...{ logprob: -at, textLogprob: -at / 2, entropy: at / 4, margin: 1 / (1 + at) },
});
const large = (at: number) => ({ ...row(at), hidden: Float32Array.of(10 + at) });
const ALL: RewardFeatures = { hidden: true, large: 'logprob', tokens: 'all' };
const SIZES = { small: 2, large: 1 };
const numbers = (...given: Parameters<typeof stepFeatures>) => [
  ...fromHalf(stepFeatures(...given)),
];

it('puts the state after each token beside the row that decided it, without the last token', () => {
  const rows = { small: [row(0), row(1), row(2)], large: [large(1), large(3), large(9)] };
  const found = numbers(rows, ALL);
  expect(found).toEqual([1, 1.5, -0, 0, 1, -0.5, 2, 2.5, -1, 0.25, 0.5, -1.5]);
  expect(found.length).toBe(2 * rewardFeatureSize(ALL, SIZES));
});

it("adds the large model's uncertainty and state", () => {
  const features: RewardFeatures = { ...ALL, hidden: false, large: 'state' };
  const rows = { small: [row(0), row(1)], large: [large(1), large(3)] };
  expect(numbers(rows, features)).toEqual([-0, 0, 1, -0.5, 0.25, 0.5, 13]);
  expect(rewardFeatureSize(features, SIZES)).toBe(7);
});

it('looks only at the end of a step, on request', () => {
  const rows = { small: [row(0), row(1), row(2)], large: null };
  const features: RewardFeatures = { hidden: true, large: 'none', tokens: 'last' };
  expect(numbers(rows, features)).toEqual([2, 2.5, -1, 0.25, 0.5]);
});

it('knows the columns of features among richer ones', () => {
  const richest = { hidden: true, large: 'state' } as const;
  expect(columnsAmong({ hidden: false, large: 'logprob' }, richest, SIZES)).toEqual([2, 3, 4, 5]);
  expect(columnsAmong({ hidden: true, large: 'none' }, richest, SIZES)).toEqual([0, 1, 2, 3, 4]);
});

it('lets a single token stand for itself', () => {
  const only: RewardFeatures = { hidden: false, large: 'none', tokens: 'all' };
  expect(numbers({ small: [row(3)], large: null }, only)).toEqual([-3, 0.75, 0.25]);
});

it('keeps a forbidden token finite', () => {
  const features: RewardFeatures = { hidden: false, large: 'logprob', tokens: 'all' };
  const [logprob, textLogprob] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const rows = { small: [{ ...row(1), logprob }], large: [{ ...row(1), textLogprob }] };
  expect(numbers(rows, features)).toEqual([-100, 0.25, 0.5, -100]);
});
