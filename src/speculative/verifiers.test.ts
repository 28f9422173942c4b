import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Draws } from '../core/draws.ts';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import { type TokenId, tokenId, tokenIds } from '../core/token-id.ts';
import type { Draft } from './proposer.ts';
import { verifyByCoupling, verifyByRejection } from './verifiers.ts';

function rowOf(choice: number, distribution: readonly number[] | null = null): RowResult {
  return {
    ...NOTHING_READ,
    tokenId: tokenId(choice),
    distribution: distribution === null ? null : Float64Array.from(distribution),
  };
}

function draftOf(
  tokens: readonly number[],
  distributions: readonly number[][] | null = null,
): Draft {
  return {
    tokens: tokenIds(tokens),
    origin: 'small',
    distributions: distributions?.map((values) => Float64Array.from(values)) ?? null,
  };
}

/** Answers every draw from a list and records the requests. */
class ScriptedDraws implements Draws {
  readonly asked: string[] = [];
  readonly #accepts: boolean[];
  readonly #drawn: number;
  weights: readonly number[] = [];

  constructor(accepts: readonly boolean[], drawn = 0) {
    this.#accepts = [...accepts];
    this.#drawn = drawn;
  }

  uniform(): number {
    throw new Error('verifiers draw no plain uniforms');
  }

  accepts(probability: number, position: number): boolean {
    this.asked.push(`accepts ${probability} at ${position}`);
    return this.#accepts.shift() ?? false;
  }

  categorical(weights: Float64Array, position: number, purpose: string): TokenId {
    this.asked.push(`${purpose} at ${position}`);
    this.weights = [...weights];
    return tokenId(this.#drawn);
  }
}

describe('verifyByCoupling', () => {
  it('accepts drafts while the target draws the same token, then takes its correction', () => {
    const rows = [rowOf(4), rowOf(7), rowOf(9), rowOf(1)];
    expect(verifyByCoupling(draftOf([4, 7, 8]), rows)).toEqual({ acceptedCount: 2, next: 9 });
    expect(verifyByCoupling(draftOf([5, 7, 9]), rows)).toEqual({ acceptedCount: 0, next: 4 });
  });

  it('adds the bonus token if all drafts hold', () => {
    const rows = [rowOf(4), rowOf(7), rowOf(0)];
    expect(verifyByCoupling(draftOf([4, 7]), rows)).toEqual({ acceptedCount: 2, next: 0 });
  });

  it('is plain decoding without drafts', () => {
    expect(verifyByCoupling(draftOf([]), [rowOf(3)])).toEqual({ acceptedCount: 0, next: 3 });
  });

  it('insists on a row after every draft', () => {
    expect(() => verifyByCoupling(draftOf([1]), [rowOf(1)])).toThrow(/row behind every draft/);
    expect(() => verifyByCoupling(draftOf([]), [])).toThrow(/row behind every draft/);
    expect(() => verifyByCoupling(draftOf([]), [rowOf(1), rowOf(1)])).toThrow(/row behind/);
  });

  it('gives the text that the target writes alone, with any drafts', () => {
    // The target as a function: with fixed noise, each prefix has exactly one next token.
    const next = (prefix: readonly number[], salt: number): number =>
      prefix.reduce((hash, token) => (hash * 31 + token + salt) % 1009, salt) % 3;
    const anyDrafts = fc.array(fc.array(fc.nat({ max: 2 }), { maxLength: 4 }), { minLength: 1 });
    fc.assert(
      fc.property(anyDrafts, fc.nat({ max: 1000 }), (drafts, salt) => {
        const text: number[] = [];
        for (const tokens of drafts) {
          const rows = [0, ...tokens].map((_, count) =>
            rowOf(next([...text, ...tokens.slice(0, count)], salt)),
          );
          const { acceptedCount, next: written } = verifyByCoupling(draftOf(tokens), rows);
          text.push(...tokens.slice(0, acceptedCount), written);
        }
        for (const [at, token] of text.entries()) expect(token).toBe(next(text.slice(0, at), salt));
        expect(text.length).toBeGreaterThanOrEqual(drafts.length);
      }),
    );
  });
});

describe('verifyByRejection', () => {
  const rows = [rowOf(0, [0.5, 0.25, 0.25]), rowOf(0, [0.125, 0.75, 0.125]), rowOf(2, [0, 0, 1])];
  const draft = draftOf(
    [0, 1],
    [
      [0.75, 0.125, 0.125],
      [0.5, 0.25, 0.25],
    ],
  );

  it('accepts with probability min(1, p / q), keyed by the position of the draft', () => {
    const draws = new ScriptedDraws([true, true]);
    expect(verifyByRejection(draft, rows, 10, draws)).toEqual({ acceptedCount: 2, next: 2 });
    expect(draws.asked).toEqual([`accepts ${0.5 / 0.75} at 10`, 'accepts 1 at 11']);
  });

  it('draws the correction from the residual at the position of the rejected draft', () => {
    const first = new ScriptedDraws([false], 2);
    expect(verifyByRejection(draft, rows, 10, first)).toEqual({ acceptedCount: 0, next: 2 });
    expect(first.asked.at(-1)).toBe('residual at 10');
    expect(first.weights).toEqual([0, 0.125, 0.125]);
    const second = new ScriptedDraws([true, false], 1);
    expect(verifyByRejection(draft, rows, 10, second)).toEqual({ acceptedCount: 1, next: 1 });
    expect(second.asked.at(-1)).toBe('residual at 11');
    expect(second.weights).toEqual([0, 0.5, 0]);
  });

  it('treats a draft without distributions as certain of its token', () => {
    const draws = new ScriptedDraws([false], 1);
    verifyByRejection(draftOf([0, 1]), rows, 3, draws);
    expect(draws.asked[0]).toBe('accepts 0.5 at 3');
    expect(draws.weights).toEqual([0, 0.25, 0.25]);
  });

  it('never accepts a token that the target excludes', () => {
    const draws = new ScriptedDraws([]);
    verifyByRejection(draftOf([0]), [rowOf(1, [0, 1]), rowOf(1, [0, 1])], 0, draws);
    expect(draws.asked[0]).toBe('accepts 0 at 0');
    expect(draws.weights).toEqual([0, 1]);
  });

  it('is plain decoding without drafts and needs neither a draw nor a distribution', () => {
    const draws = new ScriptedDraws([]);
    expect(verifyByRejection(draftOf([]), [rowOf(3)], 0, draws)).toEqual({
      acceptedCount: 0,
      next: 3,
    });
    expect(draws.asked).toEqual([]);
  });

  it('insists on a row after every draft, and on distributions', () => {
    const draws = new ScriptedDraws([true]);
    expect(() => verifyByRejection(draftOf([1]), [rowOf(1, [0, 1])], 0, draws)).toThrow(
      /row behind/,
    );
    expect(() => verifyByRejection(draftOf([1]), [rowOf(1), rowOf(1)], 0, draws)).toThrow(
      /needs the distribution/,
    );
  });
});
