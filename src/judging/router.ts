/**
 * A router: a small trained network that gives the probability that the small model is good enough at
 * a position. It is bound to the pair of models that it was trained for.
 */
import { createHash } from 'node:crypto';
import { fromHalf } from '../core/half.ts';
import { invariant } from '../core/invariant.ts';
import { tokenId } from '../core/token-id.ts';
import type { FoldedNetwork } from '../network/folded-network.ts';
import { sigmoid } from '../network/loss.ts';
import type { Calibration } from './calibration.ts';
import { featureSize, type RouterFeatures, type TokenEmbedding } from './router-features.ts';

/** A model by its name, for people, and by the SHA-256 of its file, in hex. */
export interface BoundModel {
  readonly name: string;
  readonly digest: string;
}

/** A bin of a reliability diagram. */
export interface ReliabilityPoint {
  /** Mean score. */
  readonly predicted: number;
  /** Mean label. */
  readonly observed: number;
  readonly count: number;
}

export interface RouterFacts {
  /** The strategy that uses the router, such as `citer`. */
  readonly strategy: string;
  readonly pair: { readonly small: BoundModel; readonly large: BoundModel };
  /** The hidden size of the small model. */
  readonly hiddenSize: number;
  readonly features: RouterFeatures;
  /** The divisor of the logits; 1 if the router was not calibrated. */
  readonly temperature: number;
  /** Used if the user asks for neither a threshold nor a share. */
  readonly defaultThreshold: number;
  /** The thresholds for shares; null if the router was not calibrated. */
  readonly calibration: Calibration | null;
  /** The scores of held-out tokens against their labels, by non-empty bins. */
  readonly reliability: readonly ReliabilityPoint[];
  /** The training in words and numbers, for people. */
  readonly training: Readonly<Record<string, string | number>>;
}

export interface Router extends RouterFacts {
  /** The digest of the file's content, in hex. */
  readonly digest: string;
  /** Hashes of the training questions (see `trainedOnHash`). */
  readonly trainedOn: ReadonlySet<number>;
  /** Hashes of the questions on which its thresholds were found. */
  readonly calibratedOn: ReadonlySet<number>;
  readonly network: FoldedNetwork;
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

const DIGEST_DIGITS = 16;

/**
 * The digest of the facts that scores depend on, and of nothing else: calibration does not change it.
 */
export function scoreDigest({
  network,
  temperature,
  features,
}: Pick<Router, 'network' | 'temperature' | 'features'>): string {
  const hash = createHash('sha256').update(JSON.stringify([temperature, features]));
  for (const { weights, biases } of network.layers) {
    for (const numbers of [weights, biases]) {
      hash.update(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    }
  }
  return hash.digest('hex').slice(0, DIGEST_DIGITS);
}
