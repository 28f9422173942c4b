import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHalf, halfBits, roundToHalf, toHalf } from '../core/half.ts';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import { tokenId } from '../core/token-id.ts';
import { plainLogit } from '../network/plain-logit.ts';
import { gateContext } from './fakes/gate-context.ts';
import { tinyRouter } from './fakes/tiny-router.ts';
import { defers } from './gate.ts';
import { routerScore } from './router.ts';
import { featureSize, type RouterFeatures, writeStateFeatures } from './router-features.ts';
import { routerGate } from './router-gate.ts';

const HIDDEN_SIZE = 4;
const numbers = (count: number) =>
  fc.array(fc.float({ noNaN: true, min: -50, max: 50 }), { minLength: count, maxLength: count });
const anyRow = fc.record({ hidden: numbers(HIDDEN_SIZE), top: numbers(6) });
const anyFeatures: fc.Arbitrary<RouterFeatures> = fc.constantFrom(
  { hidden: true, topLogprobs: 0, tokenEmbedding: false },
  { hidden: true, topLogprobs: 3, tokenEmbedding: false },
  { hidden: false, topLogprobs: 5, tokenEmbedding: false },
);

function rowOf({ hidden, top }: { hidden: number[]; top: number[] }): RowResult {
  return {
    ...NOTHING_READ,
    tokenId: tokenId(0),
    hidden: Float32Array.from(hidden),
    topLogprobs: Float32Array.from(top),
  };
}

describe('features', () => {
  it('are the hidden state and the largest log-probabilities, rounded to halves', () => {
    fc.assert(
      fc.property(anyRow, anyFeatures, (given, features) => {
        const target = new Uint16Array(featureSize(features, HIDDEN_SIZE));
        writeStateFeatures(rowOf(given), features, target);
        const top = given.top.slice(0, features.topLogprobs);
        const wanted = [...(features.hidden ? given.hidden : []), ...top];
        expect([...fromHalf(target)]).toEqual(wanted.map((value) => roundToHalf(value)));
      }),
    );
  });

  it('have a finite number for forbidden tokens and for missing ones', () => {
    const target = new Uint16Array(3);
    const topLogprobs = Float32Array.of(-0.5, Number.NEGATIVE_INFINITY);
    writeStateFeatures({ hidden: null, topLogprobs }, { hidden: false, topLogprobs: 3 }, target);
    expect([...target]).toEqual([halfBits(-0.5), halfBits(-100), halfBits(-100)]);
  });

  it('must have been read off the row', () => {
    const none = { hidden: null, topLogprobs: null };
    const target = new Uint16Array(8);
    for (const features of [
      { hidden: true, topLogprobs: 0, tokenEmbedding: false },
      { hidden: false, topLogprobs: 2, tokenEmbedding: false },
    ]) {
      expect(() => writeStateFeatures(none, features, target)).toThrow(/asked for/);
    }
  });
});

describe('the gate of a router', () => {
  it('scores sigmoid(logit / temperature) of the rounded features', () => {
    const temperatures = fc.double({ min: 0.05, max: 20, noNaN: true });
    fc.assert(
      fc.property(anyRow, anyFeatures, temperatures, (given, features, temperature) => {
        const router = tinyRouter({ features, hiddenSize: HIDDEN_SIZE, temperature });
        const top = given.top.slice(0, features.topLogprobs);
        const wanted = [...(features.hidden ? given.hidden : []), ...top];
        const input = Float32Array.from(wanted, (value) => roundToHalf(value));
        const logit = plainLogit(router.network.layers)(input);
        const score = routerGate(router).score(rowOf(given), 5, gateContext());
        expect(score).toBeCloseTo(1 / (1 + Math.exp(-logit / temperature)), 5);
        expect(routerScore(router)(toHalf(input))).toBe(score);
      }),
    );
  });

  it('defers to the large model below the threshold, and never at a threshold of 0', () => {
    const gate = routerGate(tinyRouter());
    expect(gate.deferralSide).toBe('below');
    expect([
      defers(gate.deferralSide, 0.49, 0.5),
      defers(gate.deferralSide, 0.5, 0.5),
      defers(gate.deferralSide, 0.51, 0.5),
    ]).toEqual([true, false, false]);
    expect([defers(gate.deferralSide, 0, 0), defers(gate.deferralSide, 1, 2)]).toEqual([
      false,
      true,
    ]);
  });

  it('is named after its strategy and requests the features of its network', () => {
    const both = tinyRouter({
      strategy: 'co-llm',
      features: { hidden: true, topLogprobs: 3, tokenEmbedding: false },
    });
    expect(routerGate(both)).toMatchObject({ name: 'co-llm' });
    expect(routerGate(both).reads).toEqual({ hidden: true, topLogprobs: 3 });
    expect(routerGate(tinyRouter()).reads).toEqual({ hidden: true });
    const top = tinyRouter({ features: { hidden: false, topLogprobs: 3, tokenEmbedding: false } });
    expect(routerGate(top).reads).toEqual({ topLogprobs: 3 });
  });

  it('refuses features of another size', () => {
    expect(() => routerScore(tinyRouter())(new Uint16Array(5))).toThrow(/4 features got 5/);
  });
});
