import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gateEvidence } from './gate-evidence.ts';

const someTokens = fc.array(
  fc.record({
    score: fc.oneof(
      fc.nat(20),
      fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    ),
    differs: fc.boolean(),
  }),
  { maxLength: 120 },
);

/** Over all pairs of a token that differs and one that agrees. */
function plainAuc(tokens: readonly { score: number; differs: boolean }[]): number | null {
  let sum = 0;
  let count = 0;
  for (const one of tokens.filter((token) => token.differs)) {
    for (const other of tokens.filter((token) => !token.differs)) {
      count += 1;
      if (one.score > other.score) sum += 1;
      if (one.score === other.score) sum += 0.5;
    }
  }
  return count === 0 ? null : sum / count;
}

describe('what a gate knows', () => {
  it('is the chance that a differing token looks worse', () => {
    fc.assert(
      fc.property(someTokens, (tokens) => {
        const scores = tokens.map((token) => token.score);
        const differs = tokens.map((token) => token.differs);
        const plain = plainAuc(tokens);
        const high = gateEvidence('entropy', scores, differs, 'high').auc;
        const low = gateEvidence('entropy', scores, differs, 'low').auc;
        if (plain === null) {
          expect([high, low]).toEqual([null, null]);
          return;
        }
        expect(high).toBeCloseTo(plain, 10);
        expect(low).toBeCloseTo(1 - plain, 10);
      }),
    );
  });

  it('counts every token once, in bins that do not overlap', () => {
    fc.assert(
      fc.property(someTokens, fc.constantFrom('high', 'low'), (tokens, direction) => {
        const scores = tokens.map((token) => token.score);
        const differs = tokens.map((token) => token.differs);
        const { bins, tokenCount } = gateEvidence('margin', scores, differs, direction);
        expect(tokenCount).toBe(tokens.length);
        const ordered = direction === 'high' ? bins : bins.toReversed();
        for (const [index, bin] of ordered.entries()) {
          const inside = tokens.filter(({ score }) => score >= bin.from && score <= bin.to);
          expect(bin.differCount).toBe(inside.filter((token) => token.differs).length);
          expect(bin.agreeCount).toBe(inside.filter((token) => !token.differs).length);
          const before = ordered[index - 1];
          if (before !== undefined) expect(bin.from).toBeGreaterThan(before.to);
        }
        const counted = bins.reduce((sum, bin) => sum + bin.differCount + bin.agreeCount, 0);
        expect(counted).toBe(tokens.length);
      }),
    );
  });

  it('has ten bins of equally many tokens where scores allow', () => {
    const scores = Array.from({ length: 1000 }, (_, index) => (index * 7) % 1000);
    const differs = scores.map((score) => score >= 900);
    const { bins, auc } = gateEvidence('entropy', scores, differs, 'high');
    expect(bins).toHaveLength(10);
    expect(bins.map((bin) => bin.agreeCount + bin.differCount)).toEqual(new Array(10).fill(100));
    expect(bins.at(-1)).toEqual({ from: 900, to: 999, agreeCount: 0, differCount: 100 });
    expect(auc).toBe(1);
    expect(gateEvidence('entropy', scores, differs, 'low').bins[0]?.from).toBe(900);
  });

  it('refuses scores that are no numbers', () => {
    expect(() => gateEvidence('entropy', [Number.NaN], [true], 'high')).toThrow(/not a number/);
    expect(() => gateEvidence('entropy', [1], [], 'high')).toThrow(/do not match/);
  });
});
