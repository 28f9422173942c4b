import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RewardRange } from './reward-range.ts';

function rangeOf(rewards: readonly number[]): RewardRange {
  const range = new RewardRange();
  for (const reward of rewards) range.add(reward);
  return range;
}

const SIX = [0.91, 0.95, 0.99, 0.97, 0.96, 0.94];

describe('advice about a threshold', () => {
  it('is given where no step is rejected, also if a reward equals the threshold', () => {
    for (const delta of [0.5, 0.91]) {
      expect(rangeOf(SIX).advice(delta)).toBe(
        `none of 6 rewards lies below δ = ${delta}: no step was rejected; give a δ between 0.91 and 0.99`,
      );
    }
  });

  it('is given where every step is rejected', () => {
    expect(rangeOf(SIX).advice(0.995)).toBe(
      'all 6 rewards lie below δ = 0.995: every step was rejected; give a δ between 0.91 and 0.99',
    );
  });

  it('is not given where the threshold divides the rewards, or the highest one equals it', () => {
    for (const delta of [0.92, 0.95, 0.99]) expect(rangeOf(SIX).advice(delta)).toBeNull();
  });

  it('is not given for a few rewards, nor where nothing may be rejected', () => {
    expect(rangeOf(SIX.slice(1)).advice(0.5)).toBeNull();
    expect(new RewardRange().advice(2)).toBeNull();
    for (const delta of [0, -1e6]) expect(rangeOf(SIX).advice(delta)).toBeNull();
  });

  it('says so where rewards are all equal, as those of a judge with one opinion', () => {
    expect(rangeOf(Array(8).fill(1)).advice(0.7)).toBe(
      'none of 8 rewards lies below δ = 0.7: no step was rejected; they are all 1, so no δ tells ' +
        'them apart',
    );
  });

  it.each([
    [0.9999981, 0.9999984, '0.9999981 and 0.9999984'],
    [0.92149, 0.999963, '0.922 and 0.999'],
    [0.000045983, 0.9983, '0.001 and 0.998'],
    [0, 0.00004598, '0 and 0.0000459'],
  ])('has a few digits, and stays within the rewards %d and %d', (low, high, range) => {
    expect(rangeOf([...Array(7).fill(low), high]).advice(2)).toContain(`give a δ between ${range}`);
  });

  it('names thresholds that reject some steps and accept some, between its two numbers', () => {
    const rewards = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 6 });
    fc.assert(
      fc.property(rewards, fc.double({ min: 1e-9, max: 1, noNaN: true }), (all, delta) => {
        const advice = rangeOf(all).advice(delta);
        const [lowest, highest] = [Math.min(...all), Math.max(...all)];
        const divides = (at: number) => lowest < at && highest >= at;
        expect(advice === null).toBe(divides(delta));
        if (advice === null || lowest === highest) return;
        expect(rangeOf(all).advice(highest)).toBeNull();
        const [from = -1, to = 2] = (/between (\S+) and (\S+)$/.exec(advice) ?? [])
          .slice(1)
          .map(Number);
        expect(from).toBeLessThan(to);
        expect(from).toBeGreaterThanOrEqual(lowest - 1e-6 * highest);
        expect(to).toBeLessThanOrEqual(highest * (1 + 1e-6));
      }),
    );
  });
});
