import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import { tokenId } from '../core/token-id.ts';
import { isArithmetic } from '../judging/arithmetic-token.ts';
import { gateContext } from '../judging/fakes/gate-context.ts';
import { defers } from '../judging/gate.ts';
import { classMarginGate } from './class-margin.ts';
import { entropyGate } from './entropy.ts';
import { marginGate } from './margin.ts';
import { randomGate } from './random.ts';

const rowOf = (entropy: number | null, margin: number | null): RowResult => ({
  ...NOTHING_READ,
  tokenId: tokenId(0),
  entropy,
  margin,
});

const context = gateContext();

describe('the entropy gate', () => {
  it('calls the large model where the small model is unsure', () => {
    expect(entropyGate.score(rowOf(1.25, 0.5), 0, context)).toBe(1.25);
    expect(defers(entropyGate.deferralSide, 1.25, 1)).toBe(true);
    expect(defers(entropyGate.deferralSide, 0.75, 1)).toBe(false);
    expect(defers(entropyGate.deferralSide, 1, 1)).toBe(false);
  });

  it('always calls below zero, and never at the entropy of the whole vocabulary', () => {
    const anyEntropy = fc.double({ min: 0, max: Math.log(151_936), noNaN: true });
    fc.assert(
      fc.property(anyEntropy, (entropy) => {
        expect(defers(entropyGate.deferralSide, entropy, -Number.MIN_VALUE)).toBe(true);
        expect(defers(entropyGate.deferralSide, entropy, Math.log(151_936))).toBe(false);
      }),
    );
  });

  it('needs the entropy of the row', () => {
    expect(entropyGate.reads).toEqual({ uncertainty: true });
    expect(() => entropyGate.score(rowOf(null, 1), 0, context)).toThrow(/entropy/);
    expect(entropyGate.score(rowOf(0, null), 0, context)).toBe(0);
  });
});

describe('the margin gate', () => {
  it('calls the large model where the best two tokens are close', () => {
    expect(marginGate.score(rowOf(1.25, 0.5), 0, context)).toBe(0.5);
    expect(defers(marginGate.deferralSide, 0.2, 0.3)).toBe(true);
    expect(defers(marginGate.deferralSide, 0.4, 0.3)).toBe(false);
    expect(defers(marginGate.deferralSide, 0.3, 0.3)).toBe(false);
  });

  it('never calls at zero, and always above one', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (margin) => {
        expect(defers(marginGate.deferralSide, margin, 0)).toBe(false);
        expect(defers(marginGate.deferralSide, margin, 1 + Number.EPSILON)).toBe(true);
      }),
    );
  });

  it('needs the margin of the row', () => {
    expect(marginGate.reads).toEqual({ uncertainty: true });
    expect(() => marginGate.score(rowOf(1, null), 0, context)).toThrow(/margin/);
    expect(marginGate.score(rowOf(null, 0), 0, context)).toBe(0);
  });
});

describe('the class-margin gate', () => {
  it.each(['7', ' 12', ' =', '+', '×', ' x', ' <', '%', '1,000', '3.14', '7.', ',5', '=-', '\n8 '])(
    'takes %j for digits or operators',
    (text) => {
      expect(isArithmetic(Buffer.from(text))).toBe(true);
    },
  );

  it.each(['', ' ', '.', ',', ' .\n', 'x1y', 'one', ' a', '(', '$5', '7th', '1 2', '٣', '#'])(
    'takes %j for other text',
    (text) => {
      expect(isArithmetic(Buffer.from(text))).toBe(false);
    },
  );

  it('scores the margin of numbers and operators, and 2 everywhere else', () => {
    const texts = [' 12', ' apples', ''];
    const score = (id: number): number =>
      classMarginGate.score(
        { ...rowOf(null, 0.125), tokenId: tokenId(id) },
        0,
        gateContext(1, texts),
      );
    expect([score(0), score(1), score(2)]).toEqual([0.125, 2, 2]);
    expect(classMarginGate.deferralSide).toBe('below');
    expect(classMarginGate.reads).toEqual(marginGate.reads);
  });
});

describe('the random gate', () => {
  const isCalled = (seed: number, position: number, share: number): boolean =>
    defers(
      randomGate.deferralSide,
      randomGate.score(rowOf(null, null), position, gateContext(seed)),
      share,
    );

  it('never calls at a share of 0 and always at 1', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(), (seed, position) => {
        expect(isCalled(seed, position, 0)).toBe(false);
        expect(isCalled(seed, position, 1)).toBe(true);
      }),
    );
  });

  it('calls at a larger share wherever it calls at a smaller one', () => {
    const anyShare = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(), anyShare, anyShare, (seed, position, a, b) => {
        const [small, large] = [Math.min(a, b), Math.max(a, b)];
        if (isCalled(seed, position, small)) expect(isCalled(seed, position, large)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([0.05, 0.3, 0.8])('calls for a share of %d of the tokens', (share) => {
    const count = 20_000;
    let called = 0;
    for (let position = 0; position < count; position += 1) {
      if (isCalled(3, position, share)) called += 1;
    }
    const spread = Math.sqrt(count * share * (1 - share));
    expect(Math.abs(called - count * share)).toBeLessThan(6 * spread);
  });

  it('calls for other tokens with another seed, and needs no value of the row', () => {
    const pattern = (seed: number): string =>
      Array.from({ length: 64 }, (_, position) => isCalled(seed, position, 0.5)).join();
    expect(pattern(1)).toBe(pattern(1));
    expect(pattern(1)).not.toBe(pattern(2));
    expect(randomGate.reads).toEqual({});
  });

  it('does not use the coin that accepts drafts', () => {
    const score = randomGate.score(rowOf(null, null), 9, context);
    expect(score).toBe(context.draws.uniform(9, 'coin'));
    expect(score).not.toBe(context.draws.uniform(9, 'accept'));
  });
});
