import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TokenId, tokenIds } from '../../core/token-id.ts';
import type { Reading } from '../readings/reading.ts';
import {
  alignmentTargets,
  chanceNoWorse,
  citerPaperTargets,
  citerSTargets,
  citerTargets,
  OBJECTIVES,
  usesRollouts,
} from './targets.ts';

function reading(small: readonly number[], large: readonly number[]): Reading {
  const zeros = new Float32Array(small.length);
  return {
    ...{ small: tokenIds(small), large: tokenIds(large), ownBySmall: zeros },
    ...{ smallByLarge: zeros, bestByLarge: zeros },
    ...{ features: new Uint16Array(small.length), featureSize: 1 },
  };
}

const SMALL = [1, 2, 3, 4];
const LARGE = [1, 5, 6, 7];
const TOKENS: readonly TokenId[] = tokenIds([1, 2, 6, 9]);
const agree = { value: 1, labelCase: 'agree' };
const unjudged = { value: null, labelCase: 'unjudged' };
const largeRight = { value: 0, labelCase: 'large-right' };

describe('targets', () => {
  it('of citer: whether the small end is no worse, where the models differ', () => {
    const preferences = [
      { position: 1, smallValue: 0, largeValue: 1 },
      { position: 2, smallValue: 0, largeValue: 0 },
    ];
    expect(citerTargets(reading(SMALL, LARGE), preferences)).toEqual([
      agree,
      { value: 0, labelCase: 'rolled-out' },
      { value: 1, labelCase: 'rolled-out' },
      unjudged,
    ]);
  });

  it("of citer-paper: the small token's own end only where neither is the reference's", () => {
    const both = reading(SMALL, LARGE);
    expect(citerPaperTargets(TOKENS, both, new Map([[3, 0]]))).toEqual([
      agree,
      agree,
      largeRight,
      { value: 0, labelCase: 'rolled-out' },
    ]);
    expect(citerPaperTargets(TOKENS, both, new Map())[3]).toEqual(unjudged);
    // An end that nobody needs changes nothing.
    expect(citerPaperTargets(TOKENS, both, new Map([[2, 1]]))[2]).toEqual(largeRight);
  });

  it("of citer-s: whether the small model's token is the next one", () => {
    const all = citerSTargets(TOKENS, reading(SMALL, LARGE));
    expect(all).toEqual([agree, agree, largeRight, largeRight]);
  });

  it('of alignment: the likelihood beside the best one, never more than 1', () => {
    const smallByLarge = Float32Array.of(-0.1, -2, -30, -0.1);
    const bestByLarge = Float32Array.of(-0.1, -1, -0.5, -0.1001);
    const all = alignmentTargets({ ...reading(SMALL, LARGE), smallByLarge, bestByLarge });
    expect(all.map(({ labelCase }) => labelCase)).toEqual([
      'agree',
      ...Array(3).fill('large-right'),
    ]);
    const [first, second, third, fourth] = all.map(({ value }) => value ?? Number.NaN);
    expect([first, fourth]).toEqual([1, 1]);
    expect(second).toBeCloseTo(Math.exp(-1), 6);
    expect(third).toBeCloseTo(0, 6);
    const never = Float32Array.from(smallByLarge, () => Number.NEGATIVE_INFINITY);
    const none = alignmentTargets({ ...reading(SMALL, LARGE), smallByLarge: never, bestByLarge });
    expect(none.map(({ value }) => value)).toEqual([0, 0, 0, 0]);
  });

  it('need rollouts only where answers are judged by their ends', () => {
    expect(OBJECTIVES.filter(usesRollouts)).toEqual(['citer', 'citer-paper']);
  });
});

it('the chance of an end no worse is that of two coins', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(share, share, (smallValue, largeValue) => {
      let chance = 0;
      for (const [small, p] of [smallValue, 1 - smallValue].entries()) {
        for (const [large, q] of [largeValue, 1 - largeValue].entries()) {
          // 0 stands for right.
          if (small <= large) chance += p * q;
        }
      }
      expect(chanceNoWorse({ position: 0, smallValue, largeValue })).toBeCloseTo(chance, 12);
    }),
  );
});
