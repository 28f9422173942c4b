import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GateToken, gateEvidence } from './gate-evidence.ts';

const someTokens = fc.array(
  fc.record({
    score: fc.oneof(
      fc.nat(20),
      fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    ),
    differs: fc.boolean(),
    weight: fc.constantFrom(1, 1, 1, 4),
  }),
  { maxLength: 120 },
);

/** The AUC by definition: over all pairs of a differing and an agreeing token. */
function plainAuc(tokens: readonly GateToken[]): number | null {
  let sum = 0;
  let count = 0;
  for (const one of tokens.filter((token) => token.differs)) {
    for (const other of tokens.filter((token) => !token.differs)) {
      const weight = one.weight * other.weight;
      count += weight;
      if (one.score > other.score) sum += weight;
      if (one.score === other.score) sum += weight / 2;
    }
  }
  return count === 0 ? null : sum / count;
}

describe('the evidence of a gate', () => {
  it('is the chance that a differing token looks worse', () => {
    fc.assert(
      fc.property(someTokens, (tokens) => {
        const plain = plainAuc(tokens);
        const high = gateEvidence('entropy', tokens, 'above').auc;
        const low = gateEvidence('entropy', tokens, 'below').auc;
        if (plain === null) {
          expect([high, low]).toEqual([null, null]);
          return;
        }
        expect(high).toBeCloseTo(plain, 10);
        expect(low).toBeCloseTo(1 - plain, 10);
      }),
    );
  });

  it('counts every token once, in disjoint bins', () => {
    fc.assert(
      fc.property(someTokens, fc.constantFrom('above', 'below'), (tokens, direction) => {
        const { bins, tokenCount } = gateEvidence('margin', tokens, direction);
        expect(tokenCount).toBe(tokens.length);
        const ordered = direction === 'above' ? bins : bins.toReversed();
        for (const [index, bin] of ordered.entries()) {
          const inside = tokens.filter(({ score }) => score >= bin.from && score <= bin.to);
          expect(bin.differCount).toBe(weightOf(inside.filter((token) => token.differs)));
          expect(bin.agreeCount).toBe(weightOf(inside.filter((token) => !token.differs)));
          const before = ordered[index - 1];
          if (before !== undefined) expect(bin.from).toBeGreaterThan(before.to);
        }
        const counted = bins.reduce((sum, bin) => sum + bin.differCount + bin.agreeCount, 0);
        expect(counted).toBe(weightOf(tokens));
      }),
    );
  });

  it('has ten bins with equal token counts where scores allow', () => {
    const tokens = Array.from({ length: 1000 }, (_, index) => {
      const score = (index * 7) % 1000;
      return { score, differs: score >= 900, weight: 1 };
    });
    const { bins, auc } = gateEvidence('entropy', tokens, 'above');
    expect(bins).toHaveLength(10);
    expect(bins.map((bin) => bin.agreeCount + bin.differCount)).toEqual(new Array(10).fill(100));
    expect(bins.at(-1)).toEqual({ from: 900, to: 999, agreeCount: 0, differCount: 100 });
    expect(auc).toBe(1);
    expect(gateEvidence('entropy', tokens, 'below').bins[0]?.from).toBe(900);
  });

  it('has one bin for a frequent score, and leaves the others at their size', () => {
    const scores = [...new Array(55).fill(0), ...Array.from({ length: 45 }, (_, at) => at + 1)];
    const tokens = scores.map((score) => ({ score, differs: false, weight: 1 }));
    const { bins } = gateEvidence('entropy', tokens, 'above');
    expect(bins.map((bin) => bin.agreeCount)).toEqual([55, 5, 10, 10, 10, 10]);
  });

  it('refuses scores that are not numbers', () => {
    const token = { score: Number.NaN, differs: true, weight: 1 };
    expect(() => gateEvidence('entropy', [token], 'above')).toThrow(/not a number/);
  });
});

function weightOf(tokens: readonly GateToken[]): number {
  return tokens.reduce((sum, { weight }) => sum + weight, 0);
}
