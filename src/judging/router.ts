/**
 * A router: a small trained network that says how likely the small model is good enough at a position,
 * bound to the pair of models that it was trained for.
 */
import { createHash } from 'node:crypto';
import { fromHalf } from '../core/half.ts';
import { invariant } from '../core/invariant.ts';
import { tokenId } from '../core/token-id.ts';
import type { FoldedNetwork } from '../network/folded-network.ts';
import { sigmoid } from '../network/loss.ts';
import type { Calibration } from './calibration.ts';
import { featureSize, type RouterFeatures, type TokenEmbedding } from './router-features.ts';

/** A model by name, for people, and by the SHA-256 of its file, in hex. */
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
  /** The strategy that it routes for, as `citer`. */
  readonly strategy: string;
  readonly pair: { readonly small: BoundModel; readonly large: BoundModel };
  /** Of the small model. */
  readonly hiddenSize: number;
  readonly features: RouterFeatures;
  /** Logits are divided by it: 1 where it was not calibrated. */
  readonly temperature: number;
  /** Where no threshold and no share is asked for. */
  readonly defaultThreshold: number;
  /** Thresholds for shares; null where it was not calibrated. */
  readonly calibration: Calibration | null;
  /** Scores of held-out tokens against their labels, by bins that are not empty. */
  readonly reliability: readonly ReliabilityPoint[];
  /** How it was made, in words and numbers for people. */
  readonly training: Readonly<Record<string, string | number>>;
}

export interface Router extends RouterFacts {
  /** Of the file's content, in hex. */
  readonly digest: string;
  /** What it was trained on: hashes of questions (see `trainedOnHash`). */
  readonly trainedOn: ReadonlySet<number>;
  /** What its thresholds were found on: the same. */
  readonly calibratedOn: ReadonlySet<number>;
  readonly network: FoldedNetwork;
  /** Of the small model: a router's file has none (see `withEmbeddings`). */
  readonly embeddingOf?: TokenEmbedding;
}

/**
 * The router, with the embeddings that it looks at, if it does: nothing is read otherwise.
 * @throws whatever the small model throws where its embeddings cannot be read
 */
export function withEmbeddings(router: Router, embeddingOf: TokenEmbedding): Router {
  if (!router.features.tokenEmbedding) return router;
  // Found out now, not in the middle of an answer.
  embeddingOf(tokenId(0));
  return { ...router, embeddingOf };
}

export type RouterScore = (features: Uint16Array) => number;

/**
 * From features in halves, [featureSize], to the probability that the small model is good enough, in
 * [0, 1]. Not to be called by two at once: it has one buffer.
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

/** Of what scores depend on, and nothing else: a router that was calibrated is the same policy. */
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
