/** What a gate's scores know about where the two models differ. */
import { wilcoxonRankSum } from 'simple-statistics';
import { invariant } from '../../core/invariant.ts';
import type { GateBin, GateEvidence } from '../results.ts';

/** Which scores a gate sends to the large model first. */
export type ScoreDirection = 'high' | 'low';

const BIN_COUNT = 10;

/**
 * @param scores of each token; none is NaN
 * @param differs whether the models' tokens differ there
 */
export function gateEvidence(
  gate: string,
  scores: ArrayLike<number>,
  differs: ArrayLike<boolean | number>,
  direction: ScoreDirection,
): GateEvidence {
  invariant(scores.length === differs.length, 'scores and tokens do not match');
  const sign = direction === 'high' ? 1 : -1;
  const tokens = Array.from(scores, (score, index) => {
    invariant(!Number.isNaN(score), `score ${index} of ${gate} is not a number`);
    return { score, suspicion: sign * score, differs: Boolean(differs[index]) };
  });
  tokens.sort((first, second) => compare(first.suspicion, second.suspicion));
  return { gate, tokenCount: tokens.length, auc: auc(tokens), bins: bins(tokens) };
}

interface ScoredToken {
  readonly score: number;
  /** Higher: sent earlier. */
  readonly suspicion: number;
  readonly differs: boolean;
}

/** Not by subtraction, for scores may be infinite. */
function compare(first: number, second: number): number {
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

/**
 * The chance that a token where the models differ looks worse than one where they agree, ties counted
 * half: U / (n m) of H. Mann and D. Whitney (1947), U = rank sum - n (n + 1) / 2. Null without both kinds.
 */
function auc(tokens: readonly ScoredToken[]): number | null {
  const differing = tokens.filter((token) => token.differs).map((token) => token.suspicion);
  const agreeing = tokens.filter((token) => !token.differs).map((token) => token.suspicion);
  const n = differing.length;
  if (n === 0 || agreeing.length === 0) return null;
  const rankSum = wilcoxonRankSum(differing, agreeing);
  return (rankSum - (n * (n + 1)) / 2) / (n * agreeing.length);
}

/** About equally many tokens each; tokens of one score share a bin, so there may be fewer bins. */
function bins(tokens: readonly ScoredToken[]): GateBin[] {
  const result: GateBin[] = [];
  let start = 0;
  for (let bin = 1; bin <= BIN_COUNT; bin += 1) {
    let end = Math.round((bin * tokens.length) / BIN_COUNT);
    if (end <= start) continue;
    while (end < tokens.length && tokens[end]?.score === tokens[end - 1]?.score) end += 1;
    result.push(binOf(tokens.slice(start, end)));
    start = end;
  }
  return result;
}

function binOf(tokens: readonly ScoredToken[]): GateBin {
  const ends = [tokens[0]?.score ?? 0, tokens.at(-1)?.score ?? 0];
  const differCount = tokens.filter((token) => token.differs).length;
  return {
    from: Math.min(...ends),
    to: Math.max(...ends),
    agreeCount: tokens.length - differCount,
    differCount,
  };
}
