/**
 * The tokens that a server may draw in one call, so that a row keeps to a grammar. A mask that a server
 * does not take as a whole is made of a few tokens that it must not draw. That is exact for greedy rows and
 * for draws from the whole distribution: a draw that happens to be allowed has the distribution of a
 * draw from the allowed tokens, whichever of the others were forbidden.
 */
import type { SamplingParams } from '../core/sampling-params.ts';
import { truncates } from '../sampling/candidates.ts';
import { splitByMask, type TokenMask } from './token-mask.ts';

export type TokenLimit =
  | { readonly only: readonly number[] }
  | { readonly never: readonly number[] };

/** The most tokens that a server takes in a limit. */
export interface MaskLimits {
  readonly onlyCountMax: number;
  /** Together with those that have a bias. */
  readonly neverCountMax: number;
}

/** Whether some of the allowed tokens are cut off, so that a draw needs to know all that are. */
export function needsWholeMask(sampling: SamplingParams): boolean {
  return sampling.temperature > 0 && truncates(sampling);
}

export interface MaskedCall {
  readonly mask: TokenMask;
  readonly vocabularySize: number;
  readonly sampling: SamplingParams;
  readonly limits: MaskLimits;
  /** Forbidden tokens that the server would rather draw. */
  readonly drawn: ReadonlySet<number>;
}

/** @returns null if the server takes none that is enough */
export function tokenLimit(call: MaskedCall): TokenLimit | null {
  const { mask, vocabularySize, sampling, limits, drawn } = call;
  const { allowed, forbidden } = splitByMask(mask, vocabularySize);
  const room = limits.neverCountMax - Object.keys(sampling.logitBias).length;
  if (allowed.length <= limits.onlyCountMax) return { only: allowed };
  if (forbidden.length <= room) return { never: forbidden };
  // The same greedy choice would come again.
  const isAtEnd = sampling.temperature === 0 && drawn.size > room;
  if (needsWholeMask(sampling) || isAtEnd) return null;
  return { never: [...drawn].slice(0, Math.max(0, room)) };
}

/** In nats: no other token comes near, and float32 keeps the distances between those that are lifted. */
const LIFT = 200;

/**
 * The biases of a call for a server that limits its tokens by biases alone.
 * @param never the bias of a token that must not be drawn
 */
export function limitedBiases<Never>(
  { logitBias }: Pick<SamplingParams, 'logitBias'>,
  limit: TokenLimit | undefined,
  never: Never,
): Readonly<Record<string, number | Never>> {
  if (limit === undefined) return logitBias;
  if ('never' in limit) {
    return { ...logitBias, ...Object.fromEntries(limit.never.map((id) => [id, never])) };
  }
  const lift = LIFT + Math.max(0, ...Object.values(logitBias).map(Math.abs));
  return Object.fromEntries(limit.only.map((id) => [id, lift + (logitBias[id] ?? 0)]));
}
