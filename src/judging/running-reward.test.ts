/** The reward of a step so far: what a trained reward says while the step is drafted. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { required } from '../core/invariant.ts';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import { tokenId } from '../core/token-id.ts';
import { tinyReward } from './fakes/tiny-reward.ts';
import { classMargin, leastCertainty } from './likelihood-reward.ts';
import { stepFeatures } from './reward-features.ts';
import { headReward, rewardOfRows } from './reward-head.ts';
import type { RewardContext } from './step-reward.ts';

const DIGIT = tokenId(1);
const tokenBytes = (id: number): Uint8Array => Buffer.from(id === DIGIT ? '7' : 'a');

const anyNumber = fc.float({ min: -4, max: 4, noNaN: true });
const anyRow: fc.Arbitrary<RowResult> = fc
  .record({
    hidden: fc.array(anyNumber, { minLength: 4, maxLength: 4 }),
    ...{
      logprob: fc.float({ min: -9, max: 0, noNaN: true }),
      margin: anyNumber,
      entropy: anyNumber,
    },
  })
  .map(({ hidden, ...values }) => ({
    ...{ ...NOTHING_READ, tokenId: tokenId(0), ...values },
    hidden: Float32Array.from(hidden),
  }));

describe('the running reward of a head', () => {
  it.each(['all', 'weakest'] as const)(
    'never rises, and ends with that of the step: %s',
    (tokens) => {
      const head = tinyReward({ features: { hidden: true, large: 'none', tokens } });
      const { running } = headReward('rsd', head);
      fc.assert(
        fc.property(fc.array(anyRow, { minLength: 2, maxLength: 12 }), (rows) => {
          const follow = required(running, 'a product never rises')({ tokenBytes });
          const rewards = rows.map(follow);
          expect(rewards).toEqual(rewards.toSorted((a, b) => b - a));
          const reward = rewardOfRows(
            stepFeatures({ small: rows, large: null }, head.features),
            head,
          );
          expect(rewards.at(-1)).toBeCloseTo(reward, 12);
        }),
      );
    },
  );

  it('is unknown where the large model reads the step, and where its end alone is judged', () => {
    for (const features of [
      { hidden: true, large: 'logprob', tokens: 'all' },
      { hidden: true, large: 'none', tokens: 'last' },
    ] as const) {
      expect(headReward('rsd', tinyReward({ features })).running).toBeUndefined();
    }
  });
});

describe('the running certainty', () => {
  it('never rises, and leaves out the last token, unless it is alone', async () => {
    const row = (entropy: number): RowResult => ({ ...NOTHING_READ, tokenId: DIGIT, entropy });
    const rows = [row(Math.log(2)), row(0.1), row(Math.log(4)), row(9)];
    const reward = leastCertainty('rsd-entropy');
    const follow = required(reward.running, 'a minimum never rises')({ tokenBytes });
    const expected = [1, 0.5, 0.5, 0.25];
    for (const [at, one] of rows.entries()) expect(follow(one)).toBeCloseTo(expected[at] ?? 0, 12);
    const score = (judged: readonly RowResult[]): Promise<number> => {
      const text = judged.map((one) => one.tokenId);
      return reward.begin({ tokenBytes } as unknown as RewardContext).score({ text, rows: judged });
    };
    expect(await score(rows)).toBeCloseTo(0.25, 12);
    expect(await score(rows.slice(0, 1))).toBeCloseTo(0.5, 12);
  });
});

describe('the running least margin of digits', () => {
  it('never rises, and ends with the reward of the step', async () => {
    const row = (id: number, margin: number): RowResult => {
      return { ...NOTHING_READ, tokenId: tokenId(id), margin };
    };
    const rows = [row(0, 0.1), row(DIGIT, 0.8), row(0, 0.2), row(DIGIT, 0.5), row(DIGIT, 0.7)];
    const reward = classMargin('rsd-class-margin');
    const follow = required(reward.running, 'a minimum never rises')({ tokenBytes });
    expect(rows.map(follow)).toEqual([1, 0.8, 0.8, 0.5, 0.5]);
    const context = { tokenBytes } as unknown as RewardContext;
    const text = rows.map((one) => one.tokenId);
    expect(await reward.begin(context).score({ text, rows })).toBe(0.5);
  });
});
