/** What travels with a draft: the distribution that it was drawn from, in the form of the link. */
import {
  type CompressedDistribution,
  expandDistribution,
  fromSinglePrecision,
} from './compressed-distribution.ts';

/** The distribution that a draft was drawn from. */
export type DraftDistribution =
  | { readonly kind: 'none' }
  | { readonly kind: 'compressed'; readonly compressed: CompressedDistribution }
  /** [V] probabilities in single precision; `fromSinglePrecision` is their distribution. */
  | { readonly kind: 'full'; readonly probabilities: Float32Array };

/**
 * The probabilities that both ends compute with, equal to the last bit.
 * @returns [V]; null without a distribution
 */
export function expandDraftDistribution(
  distribution: DraftDistribution,
  vocabularySize: number,
): Float64Array | null {
  switch (distribution.kind) {
    case 'none':
      return null;
    case 'full':
      return fromSinglePrecision(distribution.probabilities);
    case 'compressed':
      return expandDistribution(distribution.compressed, vocabularySize);
  }
}
