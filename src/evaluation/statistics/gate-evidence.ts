/** How well a gate's scores tell where the two models differ. */
import { invariant } from '../../core/invariant.ts';
import type { DeferralSide } from '../../judging/gate.ts';
import type { GateBin, GateEvidence } from '../results.ts';

const BIN_COUNT = 10;

export interface GateToken {
  /** Not NaN. */
  readonly score: number;
  /** Whether the models' tokens differ there. */
  readonly differs: boolean;
  /** The number of tokens that it represents: 1 where every question was run. */
  readonly weight: number;
}

export function gateEvidence(
  gate: string,
  all: readonly GateToken[],
  deferralSide: DeferralSide,
): GateEvidence {
  const sign = deferralSide === 'above' ? 1 : -1;
  const tokens = all.map((token, index) => {
    invariant(!Number.isNaN(token.score), `score ${index} of ${gate} is not a number`);
    return { ...token, suspicion: sign * token.score };
  });
  tokens.sort((first, second) => compare(first.suspicion, second.suspicion));
  return { gate, tokenCount: tokens.length, auc: auc(tokens), bins: bins(tokens) };
}

interface ScoredToken extends GateToken {
  /** A higher value is deferred earlier. */
  readonly suspicion: number;
}

/** Not by subtraction, because scores may be infinite. */
function compare(first: number, second: number): number {
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

/**
 * The weighted chance that a token where the models differ looks worse than one where they agree,
 * with ties counted half (H. Mann and D. Whitney, 1947). Null unless there are tokens of both
 * kinds.
 */
function auc(tokens: readonly ScoredToken[]): number | null {
  let [agreed, differed, won] = [0, 0, 0];
  for (const tied of runsOfEqual(tokens)) {
    const agreeing = weightOf(tied, false);
    const differing = weightOf(tied, true);
    won += differing * (agreed + agreeing / 2);
    agreed += agreeing;
    differed += differing;
  }
  return agreed * differed === 0 ? null : won / (agreed * differed);
}

/** Bins of about equal weight. Tokens of one score share a bin, so there may be fewer bins. */
function bins(tokens: readonly ScoredToken[]): GateBin[] {
  const result: GateBin[] = [];
  const total = tokens.reduce((sum, { weight }) => sum + weight, 0);
  // Rounded, so that equal weights fill bins like counts.
  const binAt = (weight: number): number => Math.floor((weight / total) * BIN_COUNT + ROUNDING);
  let [filled, bound] = [0, 1];
  let bin: ScoredToken[] = [];
  for (const tied of runsOfEqual(tokens)) {
    bin.push(...tied);
    filled += weightOf(tied, true) + weightOf(tied, false);
    if (binAt(filled) < bound) continue;
    result.push(binOf(bin));
    bin = [];
    bound = binAt(filled) + 1;
  }
  return bin.length === 0 ? result : [...result, binOf(bin)];
}

const ROUNDING = 1e-9;

/** Groups of tokens with equal scores, in order. */
function runsOfEqual(tokens: readonly ScoredToken[]): readonly (readonly ScoredToken[])[] {
  const runs: ScoredToken[][] = [];
  for (const token of tokens) {
    const last = runs.at(-1);
    if (last?.[0]?.score === token.score) last.push(token);
    else runs.push([token]);
  }
  return runs;
}

function weightOf(tokens: readonly ScoredToken[], differs: boolean): number {
  return tokens.reduce((sum, token) => sum + (token.differs === differs ? token.weight : 0), 0);
}

function binOf(tokens: readonly ScoredToken[]): GateBin {
  const ends = [tokens[0]?.score ?? 0, tokens.at(-1)?.score ?? 0];
  return {
    from: Math.min(...ends),
    to: Math.max(...ends),
    agreeCount: weightOf(tokens, false),
    differCount: weightOf(tokens, true),
  };
}
