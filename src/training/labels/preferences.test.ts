import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mix } from '../../core/noise.ts';
import { type TokenId, tokenId, tokenIds } from '../../core/token-id.ts';
import { judgeablePositions, neededBranches, preferencesOf, type Walk } from './preferences.ts';

/**
 * A world of two deterministic models over few tokens and answers of a fixed length. The policy keeps
 * the small model's token at some prefixes, and the grader is a hash of the whole answer.
 */
interface World {
  readonly seed: number;
  readonly length: number;
  readonly tokenCount: number;
}

function hash(world: World, purpose: number, prefix: readonly TokenId[]): number {
  return prefix.reduce<number>(
    (sum, token) => mix(token, sum, purpose),
    mix(world.seed, purpose, 1),
  );
}

const small = (world: World, prefix: readonly TokenId[]): TokenId =>
  tokenId(hash(world, 1, prefix) % world.tokenCount);
/** Agrees with the small model half of the time. */
const large = (world: World, prefix: readonly TokenId[]): TokenId =>
  hash(world, 2, prefix) % 2 === 0
    ? small(world, prefix)
    : tokenId(hash(world, 3, prefix) % world.tokenCount);
const keeps = (world: World, prefix: readonly TokenId[]): boolean => hash(world, 4, prefix) % 3 > 0;
const value = (world: World, answer: readonly TokenId[]): number => hash(world, 5, answer) % 2;

function policy(world: World, prefix: readonly TokenId[]): TokenId {
  return keeps(world, prefix) ? small(world, prefix) : large(world, prefix);
}

function goOn(
  world: World,
  begun: readonly TokenId[],
  next: (world: World, prefix: readonly TokenId[]) => TokenId,
): readonly TokenId[] {
  const text = [...begun];
  while (text.length < world.length) text.push(next(world, text));
  return text;
}

function walkAlong(world: World, tokens: readonly TokenId[]): Walk {
  const prefixes = tokens.map((_, position) => tokens.slice(0, position));
  return {
    tokens,
    value: value(world, tokens),
    trace: {
      small: prefixes.map((prefix) => small(world, prefix)),
      large: prefixes.map((prefix) => large(world, prefix)),
    },
    keepsSmall: (position) => keeps(world, tokens.slice(0, position)),
  };
}

const WORLD = fc.record({
  seed: fc.nat(1_000_000),
  length: fc.integer({ min: 1, max: 12 }),
  tokenCount: fc.integer({ min: 2, max: 5 }),
});

/** The large model's own answer, the policy's, or an answer that neither wrote. */
const TRAJECTORY = WORLD.chain((world) =>
  fc
    .oneof(
      fc.constant(goOn(world, [], large)),
      fc.constant(goOn(world, [], policy)),
      fc
        .array(fc.nat(world.tokenCount - 1), { minLength: world.length, maxLength: world.length })
        .map(tokenIds),
    )
    .map((tokens) => ({ world, tokens })),
);

describe('preferences', () => {
  it('equal those of rolling both branches out, with half of the rollouts', () => {
    fc.assert(
      fc.property(TRAJECTORY, ({ world, tokens }) => {
        const walk = walkAlong(world, tokens);
        const positions = judgeablePositions(tokens, walk.trace);
        const ends = new Map(
          neededBranches(walk, positions).map(({ position, token }) => {
            const begun = [...tokens.slice(0, position), token];
            return [position, value(world, goOn(world, begun, policy))] as const;
          }),
        );
        const found = preferencesOf(
          walk,
          positions,
          (position) => ends.get(position) ?? Number.NaN,
        );
        const naive = positions.map((position) => {
          const prefix = tokens.slice(0, position);
          const end = (token: TokenId): number =>
            value(world, goOn(world, [...prefix, token], policy));
          return {
            position,
            smallValue: end(small(world, prefix)),
            largeValue: end(large(world, prefix)),
          };
        });
        expect(found).toEqual(naive);
      }),
      { numRuns: 500 },
    );
  });

  it("of the large model's answer need one rollout for each position, and no more", () => {
    fc.assert(
      fc.property(WORLD, (world) => {
        const walk = walkAlong(world, goOn(world, [], large));
        const positions = judgeablePositions(walk.tokens, walk.trace);
        expect(neededBranches(walk, positions).map(({ position }) => position)).toEqual(positions);
      }),
    );
  });

  it("of a few positions also need the policy's next departure", () => {
    const walk: Walk = {
      tokens: tokenIds([1, 1, 1, 1]),
      value: 1,
      trace: { small: tokenIds([0, 0, 1, 0]), large: tokenIds([1, 1, 1, 1]) },
      keepsSmall: (position) => position !== 1,
    };
    expect(neededBranches(walk, [0])).toEqual([
      { position: 0, token: 0 },
      { position: 3, token: 0 },
    ]);
    expect(preferencesOf(walk, [0], (position) => (position === 0 ? 1 : 0))).toEqual([
      { position: 0, smallValue: 1, largeValue: 0 },
    ]);
    // After the last departure the answer is the trajectory's own.
    expect(preferencesOf(walk, [3], () => 0)).toEqual([
      { position: 3, smallValue: 0, largeValue: 1 },
    ]);
  });
});
