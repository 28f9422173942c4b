/**
 * A router: a small trained network that gives the probability that the small model is good enough at
 * a position. It is bound to the pair of models that it was trained for.
 */
import { fromHalf } from '../core/half.ts';
import { invariant } from '../core/invariant.ts';
import { tokenId } from '../core/token-id.ts';
import { sigmoid } from '../network/loss.ts';
import { type HeadContent, type HeadFacts, networkDigest } from './head.ts';
import { featureSize, type RouterFeatures, type TokenEmbedding } from './router-features.ts';

export interface RouterFacts extends HeadFacts {
  readonly features: RouterFeatures;
  /** The divisor of the logits; 1 if the router was not calibrated. */
  readonly temperature: number;
}

export interface Router extends RouterFacts, HeadContent {
  /** The embeddings of the small model. A router's file has none (see `withEmbeddings`). */
  readonly embeddingOf?: TokenEmbedding;
}

/**
 * The router, with the embeddings if its features include them. Otherwise nothing is read.
 * @throws the error of the small model if its embeddings cannot be read
 */
export function withEmbeddings(router: Router, embeddingOf: TokenEmbedding): Router {
  if (!router.features.tokenEmbedding) return router;
  // Fails now instead of in the middle of an answer.
  embeddingOf(tokenId(0));
  return { ...router, embeddingOf };
}

export type RouterScore = (features: Uint16Array) => number;

/**
 * The probability, in [0, 1], that the small model is good enough, from features in halves,
 * [featureSize]. Calls must not overlap, because the router has one buffer.
 */
export function routerScore(
  router: Pick<Router, 'network' | 'features' | 'hiddenSize' | 'temperature'>,
): RouterScore {
  const { network, features, hiddenSize, temperature } = router;
  const size = featureSize(features, hiddenSize);
  return (halves) => {
    invariant(halves.length === size, `a router of ${size} features got ${halves.length}`);
    return sigmoid(network.logit(fromHalf(halves)) / temperature);
  };
}

/** The digest of the facts that scores depend on (see `networkDigest`). */
export function scoreDigest({
  network,
  temperature,
  features,
}: Pick<Router, 'network' | 'temperature' | 'features'>): string {
  return networkDigest(network, [temperature, features]);
}
