import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TokenId, tokenIds } from '../../core/token-id.ts';
import type { TeacherForcedTrace } from '../traces/trace.ts';
import {
  alignmentTargets,
  chanceNoWorse,
  citerPaperTargets,
  citerSTargets,
  citerTargets,
  OBJECTIVES,
  usesRollouts,
} from './targets.ts';

function trace(small: readonly number[], large: readonly number[]): TeacherForcedTrace {
  const zeros = new Float32Array(small.length);
  return {
    ...{ small: tokenIds(small), large: tokenIds(large), textLogprobUnderSmall: zeros },
    ...{ smallLogprobUnderLarge: zeros, bestLogprobUnderLarge: zeros },
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
  it('of citer tell whether the small end is no worse, where the models differ', () => {
    const preferences = [
      { position: 1, smallValue: 0, largeValue: 1 },
      { position: 2, smallValue: 0, largeValue: 0 },
    ];
    expect(citerTargets(trace(SMALL, LARGE), preferences)).toEqual([
      agree,
      // Two tokens stand for three.
      { value: 0, labelCase: 'rolled-out', weight: 1.5 },
      { value: 1, labelCase: 'rolled-out', weight: 1.5 },
      unjudged,
    ]);
    const all = [...preferences, { position: 3, smallValue: 1, largeValue: 1 }];
    const judged = citerTargets(trace(SMALL, LARGE), all);
    expect(judged.map(({ value, weight }) => [value, weight])).toEqual([
      [1, undefined],
      [0, undefined],
      [1, undefined],
      [1, undefined],
    ]);
  });

  it('are absent for an answer with differing tokens that were not judged, agreement included', () => {
    const none = citerTargets(trace(SMALL, LARGE), []);
    expect(none.map(({ value }) => value)).toEqual([null, null, null, null]);
    expect(none.map(({ labelCase }) => labelCase)).toEqual(['agree', ...Array(3).fill('unjudged')]);
    // Where there was nothing to judge, nothing was left out.
    expect(citerTargets(trace(SMALL, SMALL), [])).toEqual(Array(4).fill(agree));
  });

  it("of citer-paper use the small token's end only where neither token is the reference's", () => {
    const both = trace(SMALL, LARGE);
    expect(citerPaperTargets(TOKENS, both, new Map([[3, 0]]))).toEqual([
      agree,
      agree,
      largeRight,
      { value: 0, labelCase: 'rolled-out' },
    ]);
    // Tokens that the text itself settles stand for no others.
    const two = citerPaperTargets(tokenIds([1, 9, 6, 9]), both, new Map([[3, 1]]));
    expect(two).toEqual([
      agree,
      unjudged,
      largeRight,
      { value: 1, labelCase: 'rolled-out', weight: 2 },
    ]);
    const none = citerPaperTargets(TOKENS, both, new Map());
    expect(none.map(({ value }) => value)).toEqual([null, null, null, null]);
    // An end that is not needed changes nothing.
    const needless = new Map([
      [2, 1],
      [3, 0],
    ]);
    expect(citerPaperTargets(TOKENS, both, needless)[2]).toEqual(largeRight);
  });

  it("of citer-s tell whether the small model's token is the next token", () => {
    const all = citerSTargets(TOKENS, trace(SMALL, LARGE));
    expect(all).toEqual([agree, agree, largeRight, largeRight]);
  });

  it('of alignment are the likelihood relative to the best token, at most 1', () => {
    const small = Float32Array.of(-0.1, -2, -30, -0.1);
    const best = Float32Array.of(-0.1, -1, -0.5, -0.1001);
    const all = alignmentTargets({
      ...trace(SMALL, LARGE),
      smallLogprobUnderLarge: small,
      bestLogprobUnderLarge: best,
    });
    expect(all.map(({ labelCase }) => labelCase)).toEqual([
      'agree',
      ...Array(3).fill('large-right'),
    ]);
    const [first, second, third, fourth] = all.map(({ value }) => value ?? Number.NaN);
    expect([first, fourth]).toEqual([1, 1]);
    expect(second).toBeCloseTo(Math.exp(-1), 6);
    expect(third).toBeCloseTo(0, 6);
    const never = Float32Array.from(small, () => Number.NEGATIVE_INFINITY);
    const none = alignmentTargets({
      ...trace(SMALL, LARGE),
      smallLogprobUnderLarge: never,
      bestLogprobUnderLarge: best,
    });
    expect(none.map(({ value }) => value)).toEqual([0, 0, 0, 0]);
  });

  it('need rollouts only for objectives that judge answers by their ends', () => {
    expect(OBJECTIVES.filter(usesRollouts)).toEqual(['citer', 'citer-paper']);
  });
});

it('judged tokens stand for all differing tokens, whichever were judged', () => {
  const answer = fc.array(fc.constantFrom('agree', 'judged', 'unjudged'), { minLength: 1 });
  fc.assert(
    fc.property(answer, (kinds) => {
      const small = kinds.map(() => 1);
      const large = kinds.map((kind) => (kind === 'agree' ? 1 : 2));
      const preferences = kinds.flatMap((kind, position) =>
        kind === 'judged' ? [{ position, smallValue: 0, largeValue: 1 }] : [],
      );
      const targets = citerTargets(trace(small, large), preferences);
      const used = targets.filter(({ value }) => value !== null);
      const weight = used.reduce((sum, one) => sum + (one.weight ?? 1), 0);
      const isSilent = preferences.length === 0 && kinds.includes('unjudged');
      expect(weight).toBeCloseTo(isSilent ? 0 : kinds.length, 9);
    }),
  );
});

it('the chance of an end that is no worse is that of two independent coins', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(share, share, (smallValue, largeValue) => {
      let chance = 0;
      for (const [small, p] of [smallValue, 1 - smallValue].entries()) {
        for (const [large, q] of [largeValue, 1 - largeValue].entries()) {
          // 0 stands for right here.
          if (small <= large) chance += p * q;
        }
      }
      expect(chanceNoWorse({ position: 0, smallValue, largeValue })).toBeCloseTo(chance, 12);
    }),
  );
});
