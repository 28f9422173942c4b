/** A draft with what a device sends beside it: its distribution, whole, compressed, or none. Pure. */
import type { Draws } from '../core/draws.ts';
import type { RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import {
  compressDistribution,
  expandDistribution,
  fromSinglePrecision,
} from '../sampling/compressed-distribution.ts';
import type { DraftDistribution } from '../sampling/draft-distribution.ts';
import { residualWeights } from '../sampling/residual.ts';
import { isRule, type TokenCountRule } from './fitted-uplink.ts';
import type { StrategyContext } from './strategy.ts';
import type { UplinkOptions } from './strategy-options.ts';
import { UPLINK_DEFAULTS } from './uplink.ts';

/** A draft as it is transmitted. */
export interface SentDraft {
  readonly tokenId: TokenId;
  readonly distribution: DraftDistribution;
}

export interface Draft {
  /** The row, with the draft for its token. */
  readonly draft: RowResult;
  /** The draft with its compressed distribution; null: none is compressed. */
  readonly compressed: SentDraft | null;
}

interface Sending {
  readonly uplink: UplinkOptions;
  /** Null: the number of tokens that are sent is that of the uplink. */
  readonly countTokens: TokenCountRule | null;
  readonly position: number;
}

export function draftOf(
  row: RowResult,
  { draws, temperature }: StrategyContext,
  { uplink, countTokens, position }: Sending,
): Draft {
  const { distribution: own } = row;
  const { tokenCount: k, bitCount: b } = UPLINK_DEFAULTS;
  const { sends, bitCount = b, rest = 'none' } = uplink;
  if (own === null || sends !== 'top') return { draft: row, compressed: null };
  const given = isRule(uplink.tokenCount) ? undefined : uplink.tokenCount;
  const tokenCount = countTokens?.(row, own) ?? given ?? k;
  const compressed = compressDistribution(own, { tokenCount, bitCount, rest });
  const distribution: DraftDistribution = { kind: 'compressed', compressed };
  const tokenId =
    rest === 'uniform'
      ? row.tokenId
      : draws.categorical(expandDistribution(compressed, own.length), position, 'draft');
  const draft = withToken(row, tokenId, own, temperature);
  return { draft, compressed: { tokenId, distribution } };
}

/**
 * The row's draw as it is transmitted whole. The distribution is rounded to single precision. So that
 * the hub's verdict keeps the large model's distribution exactly, the draw is turned into one of the
 * rounded distribution: another token where rounding took probability from it, about once in 10^8.
 */
export function sentOf(
  { tokenId, distribution: own }: RowResult,
  position: number,
  draws: Draws,
): SentDraft {
  if (own === null) return { tokenId, distribution: { kind: 'none' } };
  const probabilities = Float32Array.from(own);
  const distribution: DraftDistribution = { kind: 'full', probabilities };
  const rounded = fromSinglePrecision(probabilities);
  const ratio = (rounded[tokenId] as number) / (own[tokenId] as number);
  if (draws.accepts(Math.min(1, ratio), position, 'rounding')) return { tokenId, distribution };
  return {
    tokenId: draws.categorical(residualWeights(rounded, own), position, 'draft'),
    distribution,
  };
}

/** The row as if it had drawn another token of its distribution. */
function withToken(
  row: RowResult,
  tokenId: TokenId,
  distribution: Float64Array,
  temperature: number,
): RowResult {
  if (tokenId === row.tokenId) return row;
  // The row's own token may not be the best one.
  const further =
    temperature *
    Math.log((distribution[row.tokenId] as number) / (distribution[tokenId] as number));
  const { logprob, logitGap } = row;
  return {
    ...row,
    tokenId,
    logprob: logprob === null ? null : logprob - further,
    logitGap: logitGap === null ? null : logitGap + further,
  };
}
