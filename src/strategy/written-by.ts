/** The plain decision: a model's own token, which was not proposed, scored or verified. */
import type { ModelRole } from '../core/model-id.ts';
import type { RowResult } from '../core/row-program.ts';
import type { Decision } from './strategy.ts';

export function writtenBy(
  origin: ModelRole,
  { tokenId, logprob, isCut }: Pick<RowResult, 'tokenId' | 'logprob' | 'isCut'>,
): Decision {
  const unjudged = { verified: false, proposedTokenId: null, score: null };
  return { tokenId, origin, logprob, ...unjudged, ...(isCut && { isCut }) };
}
