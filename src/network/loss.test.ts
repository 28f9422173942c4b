import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crossEntropyLoss, mixtureLoss, type RowLoss, sigmoid } from './loss.ts';

const ONE = new Float32Array([1]);
const single = (value: number): Float32Array => new Float32Array([value]);
const logit = fc.double({ min: -12, max: 12, noNaN: true });
const share = fc.float({ min: 0, max: 1, noNaN: true });
const logProbability = fc.float({ min: -10, max: 0, noNaN: true });

function expectSlope(loss: RowLoss, at: number): void {
  const step = 1e-5;
  const expected = (loss.loss(at + step, 0) - loss.loss(at - step, 0)) / (2 * step);
  expect(Math.abs(loss.slope(at, 0) - expected)).toBeLessThan(1e-8 + 1e-6 * Math.abs(expected));
}

describe('losses', () => {
  it('cross-entropy and its slope follow its formula', () => {
    fc.assert(
      fc.property(logit, share, (z, t) => {
        const loss = crossEntropyLoss(single(t), ONE);
        const s = 1 / (1 + Math.exp(-z));
        const naive = -(t * Math.log(s) + (1 - t) * Math.log(1 - s));
        expect(loss.loss(z, 0)).toBeCloseTo(naive, 9);
        expectSlope(loss, z);
      }),
    );
  });

  it('the mixture and its slope follow its formula', () => {
    fc.assert(
      fc.property(logit, logProbability, logProbability, (z, small, large) => {
        const loss = mixtureLoss(single(small), single(large), ONE);
        const s = 1 / (1 + Math.exp(-z));
        const naive = -Math.log(s * Math.exp(small) + (1 - s) * Math.exp(large));
        expect(loss.loss(z, 0)).toBeCloseTo(naive, 9);
        expectSlope(loss, z);
      }),
    );
  });

  it('stay finite at extreme logits, where probabilities are 0 or 1', () => {
    const entropy = crossEntropyLoss(single(1), ONE);
    expect(entropy.loss(-2000, 0)).toBe(2000);
    expect(entropy.loss(2000, 0)).toBe(0);
    const mixture = mixtureLoss(single(-900), single(-1000), ONE);
    expect(mixture.loss(-2000, 0)).toBeCloseTo(1000, 9);
    expect(mixture.loss(2000, 0)).toBe(900);
    // The small model's token is e^100 times as likely, so these odds overturn a logit of -60.
    expect(mixture.slope(-60, 0)).toBeCloseTo(-1, 9);
    expect(mixture.slope(-160, 0)).toBeCloseTo(0, 9);
  });

  it('the mixture accepts tokens that one of the models never writes', () => {
    const loss = mixtureLoss(single(Number.NEGATIVE_INFINITY), single(-1), ONE);
    expect(loss.loss(0, 0)).toBeCloseTo(1 + Math.LN2, 12);
    expect(loss.slope(0, 0)).toBe(0.5);
  });

  it('sigmoid keeps the precision of small values', () => {
    expect(sigmoid(-50)).toBeCloseTo(Math.exp(-50), 30);
    expect(sigmoid(0)).toBe(0.5);
    expect(sigmoid(800)).toBe(1);
    expect(sigmoid(-800)).toBe(0);
  });
});
