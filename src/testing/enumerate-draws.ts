/**
 * Exact distributions instead of statistics: runs a random procedure once for every path of random
 * decisions and multiplies the probabilities. The result is the true distribution of outcomes, up to
 * rounding, so losslessness can be asserted to 1e-12.
 */
import type { Draws } from '../core/draws.ts';
import { invariant } from '../core/invariant.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';

/** Paths of one enumeration. A case with more paths is too large to enumerate. */
export const PATH_COUNT_MAX = 2_000_000;

/** One random decision of the current path. */
interface Branch {
  readonly probabilities: readonly number[];
  option: number;
}

/** The source of randomness of one path. */
export class PathDraws implements Draws {
  readonly #branches: Branch[];
  #depth = 0;

  constructor(branches: Branch[]) {
    this.#branches = branches;
  }

  /**
   * Decides between options of given probabilities, which sum to 1. Options of probability 0 are never
   * taken.
   */
  choose(probabilities: readonly number[]): number {
    const known = this.#branches[this.#depth];
    this.#depth += 1;
    if (known !== undefined) return known.option;
    const option = probabilities.findIndex((probability) => probability > 0);
    invariant(option >= 0, 'some option has a probability');
    this.#branches.push({ probabilities, option });
    return option;
  }

  accepts(probability: number): boolean {
    return this.choose([probability, 1 - probability]) === 0;
  }

  categorical(weights: Float64Array): TokenId {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return tokenId(this.choose(Array.from(weights, (weight) => weight / sum)));
  }

  uniform(): number {
    invariant(false, 'a continuous draw cannot be enumerated');
    return 0;
  }
}

/** The distribution of the results of `run`, by their text form. */
export async function enumerateDraws(
  run: (draws: PathDraws) => Promise<string> | string,
): Promise<Map<string, number>> {
  const outcomes = new Map<string, number>();
  const branches: Branch[] = [];
  for (let paths = 0; ; paths += 1) {
    invariant(paths < PATH_COUNT_MAX, `more than ${PATH_COUNT_MAX} paths`);
    const outcome = await run(new PathDraws(branches));
    const probability = branches.reduce(
      (product, { probabilities, option }) => product * (probabilities[option] ?? 0),
      1,
    );
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + probability);
    if (!advance(branches)) return outcomes;
  }
}

/** Moves to the next path: the last decision with an option left takes that option. */
function advance(branches: Branch[]): boolean {
  for (let last = branches.pop(); last !== undefined; last = branches.pop()) {
    const { probabilities, option } = last;
    const next = probabilities.findIndex((probability, at) => at > option && probability > 0);
    if (next < 0) continue;
    branches.push({ probabilities, option: next });
    return true;
  }
  return false;
}

/** The largest difference between two distributions over outcomes. */
export function largestDifference(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
): number {
  const outcomes = new Set([...a.keys(), ...b.keys()]);
  return Math.max(
    0,
    ...[...outcomes].map((key) => Math.abs((a.get(key) ?? 0) - (b.get(key) ?? 0))),
  );
}
