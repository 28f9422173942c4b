/**
 * Losslessness of rejection sampling, exactly: for small vocabularies every draft, accept, reject,
 * residual draw and bonus token is enumerated, and its probability multiplied. The emitted tokens of
 * a round, continued by the target, must have the target's own distribution to 1e-12. The whole loop
 * is enumerated in test/engine. This file tests the pure function, and wrong versions of it that must
 * be caught.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Draws } from '../core/draws.ts';
import { noiseKey, noiseUniform } from '../core/noise.ts';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import { type TokenId, tokenId, tokenIds } from '../core/token-id.ts';
import { residualWeights } from '../sampling/residual.ts';
import { enumerateDraws, largestDifference, type PathDraws } from '../testing/enumerate-draws.ts';
import type { Draft } from './proposer.ts';
import { type Verification, verifyByRejection } from './verifiers.ts';

/** The next token's distribution behind a prefix. */
type Model = (prefix: readonly number[]) => Float64Array;

type Verify = (
  draft: Draft,
  rows: readonly RowResult[],
  position: number,
  draws: Draws,
) => Verification;

interface Case {
  readonly vocabularySize: number;
  readonly draftLength: number;
  readonly target: Model;
  readonly draft: Model;
  /** The draft is certain and comes without distributions, as from prompt lookup. */
  readonly isOneHot: boolean;
}

/** Marks rows whose own draw must not be used: only the bonus token's row may be. */
const UNUSED = tokenId(999);

function rowOf(distribution: Float64Array): RowResult {
  return {
    ...NOTHING_READ,
    tokenId: UNUSED,
    distribution,
  };
}

/** Continues as the model alone would. */
function continued(
  model: Model,
  prefix: readonly number[],
  length: number,
  draws: PathDraws,
): string {
  const text = [...prefix];
  while (text.length < length) text.push(draws.choose([...model(text)]));
  return text.join();
}

/** The emitted tokens of one round, continued by the target to `draftLength + 1` tokens. */
function emittedDistribution(verify: Verify, given: Case): Promise<Map<string, number>> {
  const { target, draftLength } = given;
  return enumerateDraws((draws) => {
    const tokens: number[] = [];
    while (tokens.length < draftLength) tokens.push(draws.choose([...given.draft(tokens)]));
    const prefixes = [...tokens.map((_, at) => tokens.slice(0, at)), tokens];
    const draft: Draft = {
      tokens: tokenIds(tokens),
      origin: 'small',
      distributions: given.isOneHot ? null : prefixes.slice(0, -1).map(given.draft),
    };
    const rows = prefixes.map((prefix) => rowOf(target(prefix)));
    const { acceptedCount, next } = verify(draft, rows, 0, draws);
    // The bonus token is the last row's own draw. It is made here, where it is needed.
    const isBonus = next === UNUSED && acceptedCount === draftLength;
    const written = isBonus ? draws.choose([...target(tokens)]) : next;
    return continued(target, [...tokens.slice(0, acceptedCount), written], draftLength + 1, draws);
  });
}

/** The largest difference in probability of any text between the emitted and the target's own texts. */
async function lossOf(verify: Verify, given: Case): Promise<number> {
  const { target, draftLength } = given;
  const alone = await enumerateDraws((draws) => continued(target, [], draftLength + 1, draws));
  return largestDifference(await emittedDistribution(verify, given), alone);
}

/** A model with a random distribution after each prefix; some weights are 0. */
function randomModel(seed: number, vocabularySize: number, zeroShare: number): Model {
  return (prefix) => {
    const place = prefix.reduce((hash, token) => hash * 5 + token + 1, 0);
    const key = noiseKey(seed, place, 'coin');
    const weights = Float64Array.from({ length: vocabularySize }, (_, id) =>
      noiseUniform(key, 2 * id) < zeroShare ? 0 : noiseUniform(key, 2 * id + 1) ** 3,
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    if (sum === 0) weights[place % vocabularySize] = 1;
    return sum === 0 ? weights : weights.map((weight) => weight / sum);
  };
}

/** All mass on one token that depends on the prefix: a draft by prompt lookup, or a greedy draft. */
function oneHotModel(seed: number, vocabularySize: number): Model {
  const random = randomModel(seed, vocabularySize, 0);
  return (prefix) => {
    const distribution = random(prefix);
    const best = distribution.indexOf(Math.max(...distribution));
    return distribution.map((_, id) => (id === best ? 1 : 0));
  };
}

const anyCase: fc.Arbitrary<Case> = fc
  .record({
    vocabularySize: fc.integer({ min: 1, max: 4 }),
    draftLength: fc.integer({ min: 0, max: 3 }),
    seed: fc.nat(),
    targetZeros: fc.constantFrom(0, 0.5),
    kind: fc.constantFrom('random', 'zeros', 'equal', 'nearly-equal', 'one-hot', 'lookup'),
  })
  .filter(({ vocabularySize, draftLength }) => vocabularySize ** (draftLength * 2 + 1) <= 2 ** 14)
  .map(({ vocabularySize, draftLength, seed, targetZeros, kind }) => {
    const target = randomModel(seed, vocabularySize, targetZeros);
    const other = seed + 1;
    const drafts: Readonly<Record<typeof kind, Model>> = {
      random: randomModel(other, vocabularySize, 0),
      zeros: randomModel(other, vocabularySize, 0.6),
      equal: target,
      // The distribution of a model in other precision: equal except for the last digits.
      'nearly-equal': (prefix) => target(prefix).map((p, id) => p * (id % 2 === 0 ? 1 : 1 - 1e-15)),
      'one-hot': oneHotModel(other, vocabularySize),
      lookup: oneHotModel(other, vocabularySize),
    };
    return {
      vocabularySize,
      draftLength,
      target,
      draft: drafts[kind],
      isOneHot: kind === 'lookup',
    };
  });

/** Wrong verifiers, each with a mistake that was once made. */
const CANARIES: Readonly<Record<string, Verify>> = {
  'draws the correction from the target instead of the residual': (draft, rows, position, draws) =>
    rejectionWith(draft, rows, draws, position, (p) => p),
  'draws the correction from the draft': (draft, rows, position, draws) =>
    rejectionWith(draft, rows, draws, position, (_p, q) => q),
  'accepts everything': (draft, rows) => ({
    acceptedCount: draft.tokens.length,
    next: rows.at(-1)?.tokenId ?? tokenId(0),
  }),
  'rejects everything': (draft, rows, position, draws) =>
    rejectionWith(draft, rows, draws, position, residualWeights, () => 0),
  'accepts with p instead of p / q': (draft, rows, position, draws) =>
    rejectionWith(draft, rows, draws, position, residualWeights, (p) => p),
  'accepts with q / p': (draft, rows, position, draws) =>
    rejectionWith(draft, rows, draws, position, residualWeights, (p, q) => q / p),
  'continues after a rejected draft': (draft, rows, position, draws) => {
    const all = verifyByRejection(draft, rows, position, draws);
    return all.acceptedCount === 0 && draft.tokens.length > 1 ? { ...all, acceptedCount: 1 } : all;
  },
};

function rejectionWith(
  draft: Draft,
  rows: readonly RowResult[],
  draws: Draws,
  position: number,
  correction: (p: Float64Array, q: Float64Array) => Float64Array,
  ratio: (p: number, q: number) => number = (p, q) => p / q,
): Verification {
  for (const [index, token] of draft.tokens.entries()) {
    const p = rows[index]?.distribution ?? new Float64Array(0);
    const q = draft.distributions?.[index] ?? p.map((_, id) => (id === token ? 1 : 0));
    const probability = Math.min(1, ratio(p[token] ?? 0, q[token] ?? 0));
    if (draws.accepts(probability, position + index)) continue;
    const next: TokenId = draws.categorical(correction(p, q), position + index, 'residual');
    return { acceptedCount: index, next };
  }
  return { acceptedCount: draft.tokens.length, next: rows.at(-1)?.tokenId ?? tokenId(0) };
}

const fixedCase = (target: readonly number[], draft: readonly number[], length: number): Case => ({
  vocabularySize: target.length,
  draftLength: length,
  target: () => Float64Array.from(target),
  draft: () => Float64Array.from(draft),
  isOneHot: false,
});

describe('rejection sampling', () => {
  it('emits the target distribution exactly with any draft model', () => {
    return fc.assert(
      fc.asyncProperty(anyCase, async (given) => {
        expect(await lossOf(verifyByRejection, given)).toBeLessThan(1e-12);
      }),
      { numRuns: 120 },
    );
  });

  it.each([
    ['disjoint', fixedCase([0.5, 0.5, 0, 0], [0, 0, 0.25, 0.75], 2)],
    ['nested', fixedCase([0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0], 3)],
    ['almost disjoint', fixedCase([1 - 1e-9, 1e-9], [1e-9, 1 - 1e-9], 3)],
    ['equal', fixedCase([0.1, 0.2, 0.7], [0.1, 0.2, 0.7], 3)],
    ['certain against uniform', fixedCase([1, 0, 0, 0], [0.25, 0.25, 0.25, 0.25], 3)],
    ['uniform against certain', fixedCase([0.25, 0.25, 0.25, 0.25], [0, 0, 0, 1], 3)],
  ])('is exact for adversarial distributions: %s', async (_name, given) => {
    expect(await lossOf(verifyByRejection, given)).toBeLessThan(1e-12);
  });

  it('is exact for the largest case: 4 tokens, 3 drafts', async () => {
    const given: Case = {
      vocabularySize: 4,
      draftLength: 3,
      target: randomModel(5, 4, 0.2),
      draft: randomModel(6, 4, 0.2),
      isOneHot: false,
    };
    expect(await lossOf(verifyByRejection, given)).toBeLessThan(1e-12);
  });
});

describe('the enumeration', () => {
  const given: Case = {
    vocabularySize: 3,
    draftLength: 2,
    target: randomModel(1, 3, 0),
    draft: randomModel(2, 3, 0),
    isOneHot: false,
  };

  it.each(Object.entries(CANARIES))('catches a verifier that %s', async (_name, verify) => {
    expect(await lossOf(verify, given)).toBeGreaterThan(1e-3);
  });

  it('passes the same verifier without its mistake', async () => {
    const right: Verify = (draft, rows, position, draws) =>
      rejectionWith(draft, rows, draws, position, residualWeights);
    expect(await lossOf(right, given)).toBeLessThan(1e-12);
  });
});
